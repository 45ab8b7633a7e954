import assert from 'node:assert/strict';
import type { Incident } from '../../daemon/incidents/incident.ts';
import type { StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { trafficEvidence } from '../support/trafficEvidence.ts';
import { labConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import { type Host, TENANTS } from './topology.ts';

const NAMED_WITHIN_MS = 10_000;
const { acme, birch, cedar } = TENANTS;

interface Scan {
  readonly by: Host;
  /** Of nmap. */
  readonly words: string;
  /** `portScan syn inbound acme 203.0.113.1 > 198.51.100.10` */
  readonly told: string;
}

/** Of these ports one is open, ten are filtered, the others are closed. */
const PORTS = '-p 5195-5224';
const OPEN = '5201';
const FILTERED = '5215:5224';

/** Further addresses of the tenants' hosts, so that each scan has a victim of its own. */
const ADDRESSES: readonly { readonly tenant: Host; readonly ends: readonly number[] }[] = [
  { tenant: 'acme', ends: [11, 12, 13, 14] },
  { tenant: 'birch', ends: [19, 20, 21, 22] },
  { tenant: 'cedar', ends: [27, 28, 29, 30] },
];

/** By a stranger of its own. */
const inbound = (stranger: number, words: string, type: string, tenant: string, host: number): Scan => ({
  by: 'internet',
  words: `-Pn --max-retries 1 -e eth0 -S 203.0.113.${stranger} ${words} 198.51.100.${host}`,
  told: `portScan ${type} inbound ${tenant} 203.0.113.${stranger} > 198.51.100.${host}`,
});

const SCANS: readonly Scan[] = [
  inbound(11, `-sS -T4 ${PORTS}`, 'syn', 'acme', 10),
  inbound(12, `-sS -T5 ${PORTS}`, 'syn', 'acme', 11),
  inbound(13, `-sS -T3 -f ${PORTS}`, 'syn', 'acme', 12),
  // T1 and T0 wait 15 s and five minutes for each probe: the scoreboard has them.
  inbound(25, '-sS -T2 -p 5195-5214', 'syn', 'cedar', 30),
  inbound(14, `-sF ${PORTS}`, 'fin', 'acme', 13),
  inbound(15, `-sN ${PORTS}`, 'null', 'acme', 14),
  inbound(16, `-sX ${PORTS}`, 'xmas', 'birch', 18),
  inbound(17, `-sA ${PORTS}`, 'ack', 'birch', 19),
  inbound(18, `-sW ${PORTS}`, 'ack', 'birch', 20),
  inbound(19, '-sU --host-timeout 15s -p 5195-5214', 'udp', 'birch', 21),
  inbound(20, '-sO --host-timeout 15s -p 90-120', 'protocol', 'birch', 22),
  {
    by: 'internet',
    words: `-Pn -sT ${PORTS} 198.51.100.26`,
    told: 'portScan connect inbound cedar 198.51.100.2 > 198.51.100.26',
  },
  {
    ...inbound(21, `-sS -D 203.0.113.22,203.0.113.23,ME,203.0.113.24 ${PORTS}`, 'syn', 'cedar', 27),
    told: 'portScan syn inbound cedar many > 198.51.100.27',
  },
  {
    by: 'acme',
    words: '-sn -PE 192.0.2.0/28',
    told: `hostSweep icmp outbound acme ${acme.ipv4} > many`,
  },
  {
    by: 'birch',
    words: `-Pn -sS --max-retries 1 ${PORTS} 203.0.113.41`,
    told: `portScan syn outbound birch ${birch.ipv4} > 203.0.113.41`,
  },
  {
    by: 'cedar',
    words: '-Pn -sS --max-retries 1 -p 23 203.0.113.64/27',
    told: `hostSweep syn outbound cedar ${cedar.ipv4} > many`,
  },
];

describe('the daemon on live scans', function () {
  this.timeout(90_000);
  let lab: Lab;
  let daemon: LabDaemon;

  before(async () => {
    lab = new Lab();
    await Promise.all(
      ADDRESSES.map(async ({ tenant, ends }) => {
        for (const end of ends) {
          // oxlint-disable-next-line no-await-in-loop -- one after another
          await lab.run(tenant, 'ip', 'addr', 'add', `198.51.100.${end}/29`, 'dev', 'eth0');
        }
        await lab.run(tenant, 'iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', FILTERED, '-j', 'DROP');
        lab.spawn(tenant, ['iperf3', '--server', '--port', OPEN]);
      }),
    );
    // What else a scan shows is told as well; it is not what this is about.
    daemon = await LabDaemon.start(
      lab,
      labConfiguration({ sections: { detectors: { headerAnomaly: { mode: 'off' }, spoofedSource: { mode: 'off' } } } }),
    );
  });
  after(() => lab.stop());

  it('names every one of them, once, and nothing else', async () => {
    const told = SCANS.map((scan) => scan.told).toSorted();
    const scans = SCANS.map(({ by, words }) => lab.spawn(by, ['nmap', '-n', ...words.split(' ')]));
    await Promise.all(scans.map((scan) => scan.ended));
    const enough = ({ incidents }: StatusSnapshot): boolean => incidents.length >= told.length;
    await daemon.until('all of them', NAMED_WITHIN_MS, enough).catch(() => undefined); // the comparison says what is missing
    const { incidents } = await daemon.status();
    assert.deepEqual(incidents.map(tell).toSorted(), told);
  });
});

function tell(incident: Incident): string {
  const { detector, direction, tenant, offender, victim } = incident;
  return `${detector} ${trafficEvidence(incident).type} ${direction} ${tenant} ${offender ?? 'many'} > ${victim ?? 'many'}`;
}
