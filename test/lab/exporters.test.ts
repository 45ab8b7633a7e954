import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { flowLagMs, flowWindowMs } from '../../daemon/metering/flowWindows.ts';
import type { StatusSnapshot } from '../../daemon/status/snapshot.ts';
import { type Command, icmpFlood, synFlood, udpFlood } from './attacks.ts';
import { labConfiguration, STATUS_PORT } from './configuration.ts';
import { ACTIVE_TIMEOUT_MS, type Exporter, type ExporterPlan, nfprobe, sfprobe, softflowd } from './exporters.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import type { LabProcess } from './labProcess.ts';
import { type Host, INTERNET_IPV4, TENANTS } from './topology.ts';

/** The export interval, within which every record about a window comes; then it is judged. 7 s. */
const LAG_MS = flowLagMs(flowWindowMs(ACTIVE_TIMEOUT_MS)) + flowWindowMs(ACTIVE_TIMEOUT_MS);
/** A machine that has other things to do. */
const LATE_MS = 4000;
/** The exporter starts, too. */
const NAMED_WITHIN_MS = 20_000;
const CLOSED_WITHIN_MS = 25_000;
const seconds = 40;
/** Several times the thresholds, and what an exporter that tracks every packet as a flow can follow. */
const packetsPerSecond = 4000;
/** Peaks of packets and of samples of one in ten: two standard deviations of 200 samples, and windows of other lengths. */
const LARGEST_PEAK_RATIO = 1.6;

const { acme, birch, cedar } = TENANTS;
/** The edge router: what it forwards it tells of. */
const ROUTER = '198.51.100.2';
const COLLECTOR = '198.51.100.1:2055';

/** As softflowd says. */
const EVERY_PACKET = { interval: 1, confidence: 0.95 };

interface Case {
  readonly title: string;
  readonly exporter: (plan: ExporterPlan) => Exporter;
  readonly protocol: string;
  readonly flood: Command;
  readonly from: Host;
  readonly incident: Pick<Incident, 'signature' | 'tenant' | 'direction' | 'victim'>;
  /** One packet in so many is looked at, as the exporter says, and what that does to confidence; absent: it does not say. */
  readonly sampling?: { readonly interval: number; readonly confidence: number };
}

const CASES: readonly Case[] = [
  {
    title: "softflowd's NetFlow v5",
    exporter: (plan) => softflowd(5, plan),
    sampling: EVERY_PACKET,
    protocol: 'netflow5',
    flood: synFlood({ to: acme.ipv4, seconds, packetsPerSecond, spoofed: true }),
    from: 'internet',
    incident: { signature: 'synFlood', tenant: 'acme', direction: 'inbound', victim: acme.ipv4 },
  },
  {
    title: "softflowd's NetFlow v9",
    exporter: (plan) => softflowd(9, plan),
    sampling: EVERY_PACKET,
    protocol: 'netflow9',
    flood: icmpFlood({ to: birch.ipv4, seconds, packetsPerSecond, spoofed: true }),
    from: 'internet',
    incident: { signature: 'icmpFlood', tenant: 'birch', direction: 'inbound', victim: birch.ipv4 },
  },
  {
    title: "softflowd's IPFIX",
    exporter: (plan) => softflowd(10, plan),
    sampling: EVERY_PACKET,
    protocol: 'ipfix',
    flood: udpFlood({ to: cedar.ipv4, seconds, packetsPerSecond, payload: 200 }),
    from: 'internet',
    incident: { signature: 'udpFlood', tenant: 'cedar', direction: 'inbound', victim: cedar.ipv4 },
  },
  {
    title: "softflowd's IPFIX over TCP",
    exporter: (plan) => softflowd(10, plan, 'tcp'),
    sampling: EVERY_PACKET,
    protocol: 'ipfix',
    flood: synFlood({ to: cedar.ipv4, seconds, packetsPerSecond, spoofed: true }),
    from: 'internet',
    incident: { signature: 'synFlood', tenant: 'cedar', direction: 'inbound', victim: cedar.ipv4 },
  },
  {
    title: "pmacctd's NetFlow v9 (nfprobe)",
    exporter: (plan) => nfprobe(9, plan),
    protocol: 'netflow9',
    flood: synFlood({ to: INTERNET_IPV4, seconds, packetsPerSecond }),
    from: 'birch',
    incident: { signature: 'synFlood', tenant: 'birch', direction: 'outbound', victim: INTERNET_IPV4 },
  },
  {
    title: "pmacctd's IPFIX (nfprobe)",
    exporter: (plan) => nfprobe(10, plan),
    protocol: 'ipfix',
    flood: icmpFlood({ to: acme.ipv4, seconds, packetsPerSecond }),
    from: 'internet',
    incident: { signature: 'icmpFlood', tenant: 'acme', direction: 'inbound', victim: acme.ipv4 },
  },
  {
    title: "pmacctd's sFlow v5 (sfprobe), one packet in ten",
    exporter: (plan) => sfprobe(10, plan),
    sampling: { interval: 10, confidence: 0.9 },
    protocol: 'sflow5',
    flood: synFlood({ to: birch.ipv4, seconds, packetsPerSecond, spoofed: true }),
    from: 'internet',
    incident: { signature: 'synFlood', tenant: 'birch', direction: 'inbound', victim: birch.ipv4 },
  },
];

const detectors = { udpFlood: { packetsPerSecond: 1000 } };
const incidents = { closeAfter: '2s' };
const collector = (lab: Lab): Record<string, unknown> => ({
  listen: [COLLECTOR],
  tcp: [COLLECTOR],
  exporters: [ROUTER],
  activeTimeout: `${ACTIVE_TIMEOUT_MS}ms`,
  templates: join(lab.directory, 'templates.json'),
});

function startExporter(lab: Lab, exporter: Case['exporter']): LabProcess {
  const { command, file } = exporter({ interface: 'eth0', collector: COLLECTOR, directory: lab.directory });
  if (file !== null) writeFileSync(file.path, file.text);
  return lab.spawn('internet', command);
}

/** The incidents of this identity: what else the flood shows (forged sources) is another matter. */
const allOf = ({ incidents: all }: StatusSnapshot, wanted: Case['incident']): Incident[] =>
  all.filter(
    ({ signature, tenant, direction, victim }) =>
      signature === wanted.signature &&
      tenant === wanted.tenant &&
      direction === wanted.direction &&
      victim === wanted.victim,
  );

const find = (status: StatusSnapshot, wanted: Case['incident']): Incident | undefined => allOf(status, wanted)[0];

/** The packets' time until which the flow collector has judged; NaN: none yet. */
const judgedMs = ({ collector: status }: StatusSnapshot): number => Date.parse(status?.lastWindowAt ?? '');

/** When the daemon's log told of the incident. */
function saidMs(daemon: LabDaemon, message: 'incident opened' | 'incident closed', { id }: Incident): number {
  const line = daemon.said(message).find(({ incident }) => incident?.id === id);
  return Date.parse(line?.time ?? assert.fail(`${message}: not in the log`));
}

describe('a daemon on flow records alone, beside one on packets alone', function () {
  this.timeout(60_000);
  let lab: Lab;
  let onFlows: LabDaemon;
  let onPackets: LabDaemon;

  before(async () => {
    lab = new Lab();
    const port = STATUS_PORT + 1;
    const status = { listen: `127.0.0.1:${port}` };
    const sections = { interfaces: [], collector: collector(lab), detectors, incidents, status };
    onFlows = await LabDaemon.start(lab, labConfiguration({ sections }), { name: 'flows', port });
    onPackets = await LabDaemon.start(lab, labConfiguration({ sections: { detectors, incidents } }));
  });
  after(() => lab.stop());

  for (const { title, exporter, protocol, flood, from, incident, sampling } of CASES) {
    it(`names the same by ${title}, an export interval and the windows' lag later`, async () => {
      const exporting = startExporter(lab, exporter);
      const flooding = lab.spawn(from, flood);
      const [byFlows, byPackets] = await Promise.all(
        [onFlows, onPackets].map((daemon) =>
          daemon.until('an incident', NAMED_WITHIN_MS, (status) => find(status, incident)),
        ),
      );
      assert(byFlows && byPackets);
      const delayMs = saidMs(onFlows, 'incident opened', byFlows) - saidMs(onPackets, 'incident opened', byPackets);
      const { collector: status } = await onFlows.status();
      const seen = find(await onPackets.status(), incident);
      await Promise.all([flooding.stop('SIGINT'), exporting.stop()]);
      assert(delayMs <= LAG_MS + LATE_MS, `${delayMs} ms later`);
      assert.deepEqual([byFlows.observationPoint, byFlows.evidence.tier], ['flow collector', 'flow']);
      assert(byFlows.peak <= (seen?.peak ?? 0) * LARGEST_PEAK_RATIO, `${byFlows.peak}, but ${seen?.peak} by packets`);
      const [row, ...others] = status?.exporters ?? [];
      assert(row, 'no exporter is shown');
      assert(row.protocols.includes(protocol), row.protocols.join());
      const { address, malformed, lateRecords, futureRecords, implausibleRecords, lostRecords, lostMessages } = row;
      assert.deepEqual([address, others.length, malformed], [ROUTER, 0, {}]);
      assert.deepEqual([lateRecords, futureRecords, implausibleRecords], [0, 0, 0]);
      assert.deepEqual([lostRecords ?? 0, lostMessages ?? 0], [0, 0]);
      if (sampling === undefined) return;
      assert.deepEqual([row.samplingInterval, byFlows.confidence], [sampling.interval, sampling.confidence]);
    });
  }
});

describe('the daemon on packets and flow records of the same flood', function () {
  this.timeout(90_000);
  let lab: Lab;
  let daemon: LabDaemon;

  before(async () => {
    lab = new Lab();
    const sections = { collector: collector(lab), incidents };
    daemon = await LabDaemon.start(lab, labConfiguration({ sections }));
  });
  after(() => lab.stop());

  it('tells of one incident, from the first sight of the packets until the last of the records', async () => {
    const [first] = CASES;
    assert(first);
    const { exporter, flood, from, incident } = first;
    const exporting = startExporter(lab, exporter);
    const flooding = lab.spawn(from, flood);
    const named = await daemon.until('an incident', NAMED_WITHIN_MS, (status) => find(status, incident));
    assert.notEqual(named.observationPoint, 'flow collector');
    const startMs = Date.parse(named.firstSeen);
    await daemon.until('windows of the flood', NAMED_WITHIN_MS, (status) => judgedMs(status) > startMs + 1000);
    await flooding.stop('SIGINT');
    const closed = await daemon.until('its end', CLOSED_WITHIN_MS, (status) => {
      const found = find(status, incident);
      return found?.state === 'closed' && found;
    });
    const endMs = Date.parse(closed.lastSeen);
    // By the packets alone it would have been over two seconds after the last of them.
    const openMs = saidMs(daemon, 'incident closed', closed) - endMs;
    assert(openMs >= LAG_MS, `closed ${openMs} ms after it was last seen`);
    await daemon.until('windows of later', CLOSED_WITHIN_MS, (status) => judgedMs(status) > endMs + 5000);
    await exporting.stop();
    assert.deepEqual(
      allOf(await daemon.status(), incident).map(({ id, state }) => [id, state]),
      [[named.id, 'closed']],
    );
    assert.equal(
      daemon.said('incident opened').filter((line) => line.incident?.signature === incident.signature).length,
      1,
    );
  });
});
