import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Incident } from '../../daemon/incidents/incident.ts';
import { startStatusServer, type StatusServer } from '../../daemon/status/server.ts';
import { HistoryReader } from '../../daemon/store/historyReader.ts';
import { until } from '../lab/until.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { fillPast, PAST_MS, pastId, pastIncident } from '../support/pastStore.ts';
import { testArchive, testLimit, testSnapshot, testSources, testTenant } from '../support/snapshot.ts';
import { MAIN, weir } from '../support/weirCommand.ts';

/** What a stranger may wish to have in a terminal: colours, a title, the cursor elsewhere, text from right to left. */
const HOSTILE = '\u001B[31m\u009B2J\u001B]0;owned\u0007\u202Egnp.exe<script>alert(1)</script>\r\n"\'&';
const NOISE = /[\p{Cc}\u202A-\u202E\u2066-\u2069]/u;

const TENANTS = ['acme', 'birch', 'cedar'].map((id, i) =>
  testTenant({
    id,
    inbound: { packetsPerSecond: 1000 * (3 - i), bitsPerSecond: 1e6 * (i + 1) },
    limit: id === 'birch' ? testLimit({ tenant: 'birch' }) : null,
    openIncidents: i === 2 ? 2 : 0,
  }),
);
const open = pastIncident(0, { state: 'open', offender: '203.0.113.7' });
const scan = pastIncident(1, {
  signature: 'portScan',
  clause: 'network.snooping',
  offender: '2001:db8::7',
  unit: 'contacts',
});
const many = pastIncident(2);
const hostile = pastIncident(3, { tenant: HOSTILE, offender: HOSTILE, title: HOSTILE, observationPoint: HOSTILE });
const PCAP = Buffer.from('a1b2c3d4', 'hex');
const REPORTER = ['--org', 'Example Telecom', '--contact', 'abuse@example.net'];

/** What xarf-core.json, connection-ddos.json and connection-port-scan.json of xarf.org ask for, of what Weir writes. */
const CONTACT = {
  type: 'object',
  required: ['org', 'contact', 'domain'],
  additionalProperties: false,
  properties: { org: { type: 'string' }, contact: { type: 'string', pattern: '@' }, domain: { const: 'example.net' } },
};
const XARF = {
  type: 'object',
  required: [
    'xarf_version',
    'report_id',
    'timestamp',
    'reporter',
    'sender',
    'source_identifier',
    'category',
    'type',
    'protocol',
    'first_seen',
  ],
  properties: {
    xarf_version: { pattern: '^4\\.[0-9]+\\.[0-9]+$' },
    report_id: { pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' },
    timestamp: { pattern: '^20\\d\\d-\\d\\d-\\d\\dT[0-9:.]+Z$' },
    reporter: CONTACT,
    sender: CONTACT,
    category: { const: 'connection' },
    type: { enum: ['ddos', 'port_scan'] },
    protocol: { enum: ['tcp', 'udp', 'icmp', 'sctp'] },
    evidence_source: { enum: ['firewall_logs', 'ids_detection', 'flow_analysis', 'traffic_monitoring', 'honeypot'] },
    destination_port: { type: 'integer', minimum: 1, maximum: 65_535 },
    peak_pps: { type: 'integer', minimum: 1 },
    duration_seconds: { type: 'integer', minimum: 1 },
    confidence: { type: 'number', minimum: 0, maximum: 1 },
    description: { type: 'string', maxLength: 1000 },
    tags: { items: { pattern: '^[a-z0-9][a-z0-9_+-]*:[a-z0-9][a-z0-9_+.-]*$' }, maxItems: 20 },
    evidence: {
      maxItems: 50,
      items: {
        required: ['content_type', 'payload'],
        additionalProperties: false,
        properties: {
          content_type: { type: 'string' },
          payload: { type: 'string', pattern: '^[A-Za-z0-9+/]*=*$' },
          description: { type: 'string', maxLength: 500 },
          hash: { pattern: '^sha256:[0-9a-f]{64}$' },
          size: { type: 'integer', maximum: 5_242_880 },
        },
      },
    },
  },
};

const firstWords = (text: string): string[] => text.split('\n').flatMap((line) => /^\w+/.exec(line)?.[0] ?? []);

const codes = async (...all: readonly (readonly string[])[]): Promise<number[]> =>
  (await Promise.all(all.map((args) => weir(...args)))).map(({ code }) => code);

describe('what weir shows of tenants, incidents and usage', function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let reader: HistoryReader;
  let server: StatusServer;
  let config = '';

  before(async () => {
    const path = join(folder(), 'weir.db');
    fillPast(path, [scan, many, hostile], ['acme']);
    reader = new HistoryReader({ path });
    server = await startStatusServer({
      listen: { host: '127.0.0.1', port: 0 },
      log: { error: () => {} },
      ...testSources({
        snapshot: () => testSnapshot({ tenants: TENANTS, incidents: [open, { ...hostile, state: 'open' }] }),
        archive: testArchive({
          reader,
          open: () => [open],
          tenantStatuses: () => TENANTS,
          hasEvidence: async (id) => id === open.id,
        }),
        evidence: async () => PCAP,
      }),
    });
    config = join(folder(), 'weir.yaml');
    writeFileSync(config, `status: { listen: '127.0.0.1:${server.port}' }\n`);
  });
  after(async () => {
    await server.close();
    await reader.stop();
  });

  const ask = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await weir(...args, '-c', config);
    assert.deepEqual([code, stderr], [0, ''], args.join(' '));
    return stdout;
  };

  it('tenants lists them, sorted, as text or as JSON', async () => {
    assert.deepEqual(firstWords(await ask('tenants')), ['tenant', 'acme', 'birch', 'cedar']);
    assert.deepEqual(firstWords(await ask('tenants', '--sort', 'rate')), ['tenant', 'cedar', 'birch', 'acme']);
    const all: { id: string }[] = JSON.parse(await ask('tenants', '--json'));
    assert.deepEqual(
      all.map(({ id }) => id),
      ['acme', 'birch', 'cedar'],
    );
  });

  it('top --once shows one screen, by any key', async () => {
    const text = await ask('top', '--once', '--sort', 'dropped');
    assert.match(text, /^weir 0\.1\.0, 10:00:13 UTC, up 3 h 12 min, 3 tenants, 2 open incidents, 0 limited/);
    assert.match(text, /^critical: inbound SYN flood from 203\.0\.113\.7 against 192\.0\.2\.10/m);
    assert.deepEqual(firstWords(text).slice(-4), ['tenant', 'birch', 'acme', 'cedar']);
    assert.deepEqual(firstWords(await ask('top', '--once', '--sort', 'incidents')).slice(-3), [
      'cedar',
      'acme',
      'birch',
    ]);
  });

  it('top is live in a terminal, sorts at a key, quits at q, and takes at most 3 % of a processor', async () => {
    const terminal = spawn(
      'script',
      ['-qfec', `exec '${process.execPath}' '${MAIN}' top -c '${config}'`, '/dev/null'],
      {
        env: { ...process.env, COLUMNS: '120', LINES: '40' },
      },
    );
    let shown = '';
    terminal.stdout.on('data', (bytes: Buffer) => (shown += bytes.toString()));
    const exited = once(terminal, 'exit');
    await until('a screen', 10_000, async () => shown.includes('(q)uit'));
    const last = (): string => shown.slice(shown.lastIndexOf('\u001B[H'));
    assert.match(last(), /tenant[\s\S]*cedar[\s\S]*birch[\s\S]*acme/);
    terminal.stdin.write('i');
    await until('another order', 5000, async () => /tenant[\s\S]*cedar[\s\S]*acme[\s\S]*birch/.test(last()));
    const child = Number(execFileSync('pgrep', ['-P', String(terminal.pid)], { encoding: 'utf8' }).trim());
    const ticks = (): number => {
      const fields = readFileSync(`/proc/${child}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return Number(fields[11]) + Number(fields[12]);
    };
    const before = ticks();
    await pause(6000);
    const share = (ticks() - before) / 100 / 6;
    assert.ok(share <= 0.03, `it took ${(100 * share).toFixed(1)} %`);
    terminal.stdin.write('q');
    const [code] = await exited;
    assert.equal(code, 0);
    assert.ok(shown.trimEnd().endsWith('\u001B[?1049l'), 'the terminal is as it was');
  });

  it('incidents lists open ones first, and those of one tenant, state and time', async () => {
    const ids = async (...args: string[]): Promise<string[]> => {
      const all: Incident[] = JSON.parse(await ask('incidents', '--json', ...args));
      return all.map(({ id }) => id);
    };
    assert.deepEqual(await ids(), [0, 1, 2, 3].map(pastId));
    assert.deepEqual(await ids('--limit', '2'), [0, 1].map(pastId));
    assert.deepEqual(await ids('--state', 'open'), [pastId(0)]);
    assert.deepEqual(await ids('--tenant', 'nobody'), []);
    const text = await ask('incidents');
    assert.match(text, /^000000000001 +closed +critical +20.* 1 min +60\.3 k contacts|port scan/m);
    assert.equal(await ask('incidents', '--tenant', 'nobody'), 'No incidents\n');
  });

  it('incident shows the proof, the course and what was done', async () => {
    const text = await ask('incident', many.id);
    assert.match(text, /^Proof$/m);
    assert.match(text, /limited to 20 Mbit\/s by weir: outbound bandwidthThreshold/);
    assert.match(text, /limit ended by ada: it was a backup/);
    assert.match(text, /60\.3 kpps +3 ×/);
    assert.equal((await weir('incident', pastId(99), '-c', config)).code, 1);
  });

  it('usage shows the days of a month and its percentile', async () => {
    const month = new Date(PAST_MS).toISOString().slice(0, 7);
    const text = await ask('usage', 'acme', '--month', month);
    assert.match(text, /^20\d\d-\d\d-\d\d +4\d\d MB +1 Mbit\/s +4\.\d+ GB +10 Mbit\/s +\d %$/m);
    assert.match(text, /^95th percentile of \d+ five minutes: 1 Mbit\/s in, 10 Mbit\/s out$/m);
    assert.match(await ask('usage', 'acme', '--month', '2020-01'), /^Nothing is known of acme in 2020-01$/m);
    assert.equal((await weir('usage', 'acme', '--month', 'March', '-c', config)).code, 2);
    assert.equal((await weir('usage', 'nobody', '-c', config)).code, 1);
  });

  it('report writes one HTML file that needs nothing else, with the packets', async () => {
    const file = join(folder(), 'report.html');
    await ask('report', open.id, '--format', 'html', '-o', file);
    const page = readFileSync(file, 'utf8');
    assert.doesNotMatch(page, /<script|<link|<img|https?:\/\/|url\(/);
    assert.ok(page.includes(`base64,${PCAP.toString('base64')}"`));
    assert.match(page, /203\.0\.113\.7/);
    assert.match(await ask('report', many.id, '--format', 'html'), /<rect/);
  });

  it('report writes X-ARF 4 of what has one source, and says why not of the rest', async () => {
    const valid = new Ajv2020({ strict: false }).compile(XARF);
    const flood: Record<string, unknown> = JSON.parse(await ask('report', open.id, '--format', 'xarf', ...REPORTER));
    assert.ok(valid(flood), JSON.stringify(valid.errors));
    assert.deepEqual(
      [
        flood['type'],
        flood['source_identifier'],
        flood['destination_ip'],
        flood['attack_vector'],
        flood['protocol'],
        flood['peak_pps'],
      ],
      ['ddos', '203.0.113.7', '192.0.2.10', 'syn_flood', 'tcp', 60_250],
    );
    const scanned: Record<string, unknown> = JSON.parse(await ask('report', scan.id, '--json', ...REPORTER));
    assert.ok(valid(scanned), JSON.stringify(valid.errors));
    assert.deepEqual([scanned['type'], scanned['source_identifier']], ['port_scan', '2001:db8::7']);
    const { code, stderr } = await weir('report', many.id, '--format', 'xarf', ...REPORTER, '-c', config);
    assert.deepEqual(
      [code, stderr],
      [1, `Cannot report ${many.id}: X-ARF reports one source, and ${many.id} has none that is known, or many\n`],
    );
    assert.match((await weir('report', open.id, '--format', 'xarf', '-c', config)).stderr, /--org .* --contact/);
  });

  it('lets nothing from outside move the cursor, or become HTML', async () => {
    const outputs = await Promise.all([
      ask('incident', hostile.id),
      ask('incident', hostile.id, '--json'),
      ask('incidents'),
      ask('incidents', '--json'),
      ask('top', '--once'),
      ask('status', '--json'),
      ask('report', hostile.id),
      ask('report', hostile.id, '--format', 'html'),
    ]);
    for (const output of outputs) {
      assert.doesNotMatch(output.replaceAll('\n', ''), NOISE);
      assert.ok(output.includes('gnp.exe'));
    }
    assert.ok(outputs.at(-1)?.includes('&lt;script&gt;'));
    const [, json] = outputs;
    const { incident }: { incident: Incident } = JSON.parse(json);
    assert.equal(incident.tenant, HOSTILE, 'JSON stays what it is');
  });

  it('says 1 where no daemon answers, and 2 of what there is no such thing', async () => {
    const nobody = join(folder(), 'nobody.yaml');
    writeFileSync(nobody, "status: { listen: '127.0.0.1:1' }\n");
    const asked = ['tenants', 'incidents', 'top'].map((command) => [command, '-c', nobody]);
    assert.deepEqual(await codes(...asked), [1, 1, 1]);
    const wrong = [['nonsense'], ['tenants', '--nonsense'], ['top', '--sort', 'colour'], ['incident']];
    assert.deepEqual(await codes(...wrong), [2, 2, 2, 2]);
  });
});

describe('weir completion', () => {
  it('completes commands, options and values in bash', async () => {
    const { stdout } = await weir('completion');
    const complete = (...words: string[]): string[] => {
      const script = `${stdout}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _weir; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean);
    };
    assert.deepEqual(complete('weir', 'inc'), ['incidents', 'incident']);
    assert.deepEqual(complete('weir', 'top', '--sort', ''), ['rate', 'packets', 'dropped', 'incidents', 'name']);
    assert.deepEqual(complete('weir', 'report', '--f'), ['--format']);
    assert.deepEqual(complete('weir', 'evidence', '-o', 'fi'), []);
  });
});
