import assert from 'node:assert/strict';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';
import { floodOf } from './attacks.ts';
import { labConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import type { TenantId } from './topology.ts';
import { until } from './until.ts';

const NAMED_WITHIN_MS = 20_000;
/** Twice the thresholds and more, of all of them at once. */
const packetsPerSecond = 2500;

/** By hping3's flags: the detector and the sort that each is named by. */
const FLOODS: readonly (readonly [kind: string, named: string, payload?: number])[] = [
  ['-S -p 5060', 'synFlood'],
  ['-S -X -Y -p 5060', 'synFlood'],
  ['-A -p 5060', 'tcpFlood ack'],
  ['-P -A -p 5060', 'tcpFlood ack'],
  ['-R -p 5060', 'tcpFlood rst'],
  ['-F -A -p 5060', 'tcpFlood fin'],
  ['-S -A -p 5060', 'tcpFlood synAck'],
  ['-F -p 5060', 'tcpFlood odd'],
  ['-F -P -U -p 5060', 'tcpFlood odd'],
  ['-S -F -p 5060', 'tcpFlood odd'],
  ['-p 5060', 'tcpFlood odd'],
  ['--udp -p 4000', 'udpFlood'],
  ['--icmp', 'icmpFlood'],
  ['--udp -x -p 4000', 'fragmentFlood', 600],
];

/** A victim each: further addresses of the tenants' hosts. */
const VICTIMS: readonly (readonly [tenant: TenantId, host: number])[] = [
  ...[10, 11, 12, 13, 14].map((host) => ['acme', host] as const),
  ...[18, 19, 20, 21, 22].map((host) => ['birch', host] as const),
  ...[26, 27, 28, 29].map((host) => ['cedar', host] as const),
];
const OWN: ReadonlySet<number> = new Set([10, 18, 26]);

describe('the daemon on every flood of hping3, from random sources', function () {
  this.timeout(60_000);
  let lab: Lab;
  let daemon: LabDaemon;

  before(async () => {
    lab = new Lab();
    await Promise.all(
      VICTIMS.filter(([, host]) => !OWN.has(host)).map(([tenant, host]) =>
        lab.run(tenant, 'ip', 'addr', 'add', `198.51.100.${host}/29`, 'dev', 'eth0'),
      ),
    );
    const detectors = { udpFlood: { packetsPerSecond: 1000 } };
    daemon = await LabDaemon.start(lab, labConfiguration({ sections: { detectors } }));
  });
  after(() => lab.stop());

  const told = async (): Promise<string[]> => (await daemon.status()).incidents.map(tell).toSorted();

  it('names each as what it is, once, with forged sources, and nothing else', async () => {
    const expected = FLOODS.map(([, named], i) => {
      const [tenant, host] = VICTIMS[i] ?? ['acme', 0];
      return `${named} inbound ${tenant} many > 198.51.100.${host} forged`;
    }).toSorted();
    const floods = FLOODS.map(([kind, , payload = 0], i) => {
      const to = `198.51.100.${VICTIMS[i]?.[1]}`;
      return lab.spawn('internet', floodOf(kind, { to, seconds: 30, packetsPerSecond, spoofed: true, payload }));
    });
    await until('all of them', NAMED_WITHIN_MS, async () => (await told()).join() === expected.join()).catch(
      () => undefined,
    ); // the comparison says what is missing
    await Promise.all(floods.map((flood) => flood.stop('SIGINT')));
    assert.deepEqual(await told(), expected);
  });
});

function tell(incident: Incident): string {
  const { detector, direction, tenant, offender, victim } = incident;
  const { type = '', hasForgedSources = false } = trafficEvidence(incident);
  const words = [
    detector,
    type,
    direction,
    tenant,
    offender ?? 'many',
    '>',
    victim ?? 'many',
    hasForgedSources ? 'forged' : '',
  ];
  return words.filter((word) => word !== '').join(' ');
}
