import assert from 'node:assert/strict';
import type { ShownAlert } from '../support/alertmanager.ts';
import { type Command, icmpFlood, synFlood, udpFlood } from './attacks.ts';
import { ALERTMANAGER_PORT, labConfiguration } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import { type Host, INTERNET_IPV4, TENANTS } from './topology.ts';
import { until } from './until.ts';

const NAMED_WITHIN_MS = 10_000;
const RESOLVED_WITHIN_MS = 15_000;
const AT_MOST_SECONDS = 20;

interface Attack {
  readonly title: string;
  readonly from: Host;
  readonly command: Command;
  /** What the alert says. */
  readonly labels: { readonly alertname: string; readonly victim: string } & Readonly<Record<string, string>>;
  /** Known for sure once a whole window was seen; null: many. */
  readonly offender: string | null;
}

const { acme, birch, cedar, dogwood } = TENANTS;
const seconds = AT_MOST_SECONDS;
const clause = 'network.disruption';

const ATTACKS: readonly Attack[] = [
  {
    title: 'a SYN flood with random sources on a tenant',
    from: 'internet',
    command: synFlood({ to: acme.ipv4, seconds, spoofed: true }),
    labels: { alertname: 'synFlood', clause, tenant: 'acme', direction: 'inbound', victim: acme.ipv4 },
    offender: null,
  },
  {
    title: 'a UDP flood on a tenant',
    from: 'internet',
    command: udpFlood({ to: acme.ipv4, seconds, payload: 200 }),
    labels: { alertname: 'udpFlood', clause, tenant: 'acme', direction: 'inbound', victim: acme.ipv4 },
    offender: '198.51.100.2',
  },
  {
    title: 'an ICMP flood with random sources on a tenant',
    from: 'internet',
    command: icmpFlood({ to: cedar.ipv4, seconds, spoofed: true }),
    labels: { alertname: 'icmpFlood', clause, tenant: 'cedar', direction: 'inbound', victim: cedar.ipv4 },
    offender: null,
  },
  {
    title: 'a SYN flood by a tenant',
    from: 'birch',
    command: synFlood({ to: INTERNET_IPV4, seconds }),
    labels: {
      alertname: 'synFlood',
      clause,
      tenant: 'birch',
      direction: 'outbound',
      victim: INTERNET_IPV4,
    },
    offender: birch.ipv4,
  },
  {
    title: 'a UDP flood by a tenant far away',
    from: 'dogwood',
    command: udpFlood({ to: birch.ipv4, seconds, payload: 200 }),
    labels: { alertname: 'udpFlood', clause, tenant: 'birch', direction: 'inbound', victim: birch.ipv4 },
    offender: dogwood.ipv4,
  },
];

describe('the daemon on live floods', function () {
  this.timeout(60_000);
  let lab: Lab;
  let daemon: LabDaemon;

  before(async () => {
    lab = new Lab();
    await lab.agent('pbx').ask('startAlertmanager', ALERTMANAGER_PORT);
    daemon = await LabDaemon.start(lab, labConfiguration({ sections: { incidents: { closeAfter: '6s' } } }));
  });
  after(() => lab.stop());

  const alerts = (...matchers: string[]): Promise<ShownAlert[]> => lab.agent('pbx').ask('alerts', ...matchers);

  for (const { title, from, command, labels, offender } of ATTACKS) {
    it(`names ${title}, once, to a real Alertmanager`, async () => {
      const matchers = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
      const flood = lab.spawn(from, command);
      await until('an alert', NAMED_WITHIN_MS, async () => (await alerts(...matchers)).length > 0);
      await daemon.until('the offender', NAMED_WITHIN_MS, ({ incidents }) =>
        incidents.some((each) => each.signature === labels.alertname && each.offender === offender),
      );
      const { points, detectors } = await daemon.explain(labels['tenant'] ?? '', labels.alertname);
      await flood.stop('SIGINT');
      assert(points.every(({ at }) => at !== null));
      const readings = detectors.flatMap((each) => each.readings).filter(({ victim }) => victim === labels.victim);
      assert(readings.some(({ incident, value, threshold }) => incident !== null && (value ?? 0) >= (threshold ?? 0)));
      const named = await alerts(`alertname=${labels.alertname}`, `victim=${labels.victim}`);
      assert.equal(named.length, 1);
    });
  }

  it('resolves every one of them after its end', async () => {
    // Forged sources are told of for a minute longer.
    await until('no alert', RESOLVED_WITHIN_MS, async () => (await alerts(`clause=${clause}`)).length === 0);
    const { incidents } = await daemon.status();
    const floods = incidents.filter((each) => each.clause === clause);
    assert.deepEqual(
      floods.map(({ signature, state }) => `${signature} ${state}`).toSorted(),
      ATTACKS.map(({ labels }) => `${labels.alertname} closed`).toSorted(),
    );
  });
});
