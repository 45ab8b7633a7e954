/** One attack of each kind, to hide in an office hour. */
import { outsideAddress } from '../../bench/workload/addresses.ts';
import { accept, anybody, datagram, echo, type Plan, refuse, syn, unreachable } from './attacks.ts';
import { ACK, type Packet } from './frameWriter.ts';
import {
  flood,
  idOf,
  inbound,
  one,
  outbound,
  pingSweep,
  portScan,
  type Sides,
  silent,
  sweep,
  udpScan,
} from './plans.ts';
import { Random } from './random.ts';

/** One address of the tenant's /24 after the other. */
const carpeted = (i: number): number => ((inbound(59).to & ~255) | (1 + (i % 250))) >>> 0;

/** Each at another tenant, none of whom does anything unusual else. */
export function hiddenAttacks(): readonly Plan[] {
  const random = new Random(7);
  /** Of each attack its own, so that none of them is known from another one. */
  const botnet = (): readonly number[] => Array.from({ length: 300 }, () => anybody(random));
  const [flooders, pingers, splitters, carpeters, scanners] = [botnet(), botnet(), botnet(), botnet(), botnet()];
  const reflectors = Array.from({ length: 1500 }, () => anybody(random));
  const spoofedSyn = (sides: Sides) => (packet: Packet) =>
    syn(packet, anybody(random), sides.to, random.ephemeralPort(), 443);
  const ack = (sides: Sides) => (packet: Packet) => {
    syn(packet, anybody(random), sides.to, random.ephemeralPort(), 443);
    packet.flags = ACK;
  };
  const fragments = (sides: Sides) => (packet: Packet, i: number) => {
    datagram(packet, splitters[i % splitters.length]!, sides.to, [4000, 5000], 1400);
    packet.fragment = 0x2000 + (i % 8) * 180;
  };
  return [
    flood(inbound(50), 'synFlood', null, true, 4000, 6, spoofedSyn(inbound(50))),
    flood(outbound(51), 'synFlood', null, false, 4000, 6, (packet) =>
      syn(packet, outbound(51).from, outbound(51).to, random.ephemeralPort(), 80),
    ),
    flood(inbound(52), 'udpFlood', null, true, 40_000, 3, (packet, i) =>
      datagram(packet, flooders[i % flooders.length]!, inbound(52).to, [4000 + (i % 100), 5060], 200),
    ),
    flood(outbound(53), 'udpFlood', null, false, 40_000, 3, (packet) =>
      datagram(packet, outbound(53).from, outbound(53).to, [4000, 80], 1000),
    ),
    flood(inbound(54), 'icmpFlood', null, true, 5000, 6, (packet, i) =>
      echo(packet, pingers[i % pingers.length]!, inbound(54).to),
    ),
    flood(inbound(55), 'tcpFlood', 'ack', true, 30_000, 4, ack(inbound(55))),
    flood(inbound(56), 'fragmentFlood', null, true, 10_000, 4, fragments(inbound(56))),
    flood(inbound(57), 'amplification', 'dns', true, 6000, 5, (packet, i) =>
      datagram(packet, reflectors[i % reflectors.length]!, inbound(57).to, [53, 33_000], 1400),
    ),
    flood(inbound(58), 'amplification', 'ntp', true, 6000, 5, (packet, i) =>
      datagram(packet, reflectors[i % reflectors.length]!, inbound(58).to, [123, 33_000], 440),
    ),
    {
      ...flood(inbound(59), 'carpetBomb', 'udp', true, 60_000, 3, (packet, i) =>
        datagram(packet, carpeters[i % carpeters.length]!, carpeted(i), [4000 + (i % 100), 7000], 200),
      ),
      expected: { detector: 'carpetBomb', type: 'udp', tenant: idOf(59), direction: 'inbound', offender: null },
    },
    portScan(inbound(60), 50, 1000, one(50, accept, refuse)),
    portScan(outbound(61), 50, 1000, one(50, accept, silent)),
    udpScan(inbound(62), 20, 400, one(2, unreachable, silent)),
    sweep({ ...outbound(63), to: outsideAddress(70_000) }, 445, 10, 600, one(40, accept, silent)),
    pingSweep({ ...outbound(64), to: outsideAddress(80_000) }, 10, 600),
    portScan(inbound(65), 1 / 60, 50, one(20, accept, refuse)),
    portScan(inbound(66), 1 / 60, 50, silent),
    // Two hundred scanners with ten ports each.
    {
      ...portScan(inbound(68), 2, 2000, refuse),
      expected: { ...portScan(inbound(68), 2, 2000).expected, offender: null },
      shape: (packet, i) => syn(packet, scanners[Math.floor(i / 10)]!, inbound(68).to, 40_000 + (i % 1000), 1 + i),
    },
    sweep({ ...outbound(67), to: outsideAddress(90_000) }, 22, 1 / 60, 50, one(25, accept, silent)),
  ];
}
