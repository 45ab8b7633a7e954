import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { METRIC_FAMILIES } from '../../daemon/status/families.ts';
import { Metrics } from '../../daemon/status/metrics.ts';
import { TrafficTotals } from '../../daemon/status/trafficTotals.ts';
import { testSnapshot } from '../support/snapshot.ts';

const SYSTEMD = join(import.meta.dirname, '../../systemd');
const RULES = join(SYSTEMD, 'prometheus/weir.rules.yaml');
const DASHBOARD = join(SYSTEMD, 'grafana/weir.json');
/** Around the table in docs/operations.md. */
const BEGIN = '<!-- metrics, by test/systemd/prometheus.test.ts -->';
const END = '<!-- end of the metrics -->';

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
}

/** Of one whole Node.js process too, by their names. */
async function exportedNames(): Promise<Set<string>> {
  const metrics = new Metrics({
    tenantIds: ['acme'],
    traffic: new TrafficTotals(1, () => true),
    snapshot: () => testSnapshot(),
  });
  const text = await metrics.text();
  const ofNode = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name = '']) => name);
  return new Set([...METRIC_FAMILIES.map(({ name }) => name), ...ofNode]);
}

/** What a text names of what Weir, or its process, exports. */
const namesIn = (text: string): string[] => text.match(/\b(?<!:)(?:weir|process|nodejs)_[a-z0-9_]+\b(?!:)/g) ?? [];

describe('what is shipped for Prometheus and Grafana', () => {
  it('has rules that promtool finds nothing wrong with', () => promtool('check', 'rules', RULES));

  it('has rules that record, fire and stay silent as they should', function () {
    this.timeout(60_000);
    promtool('test', 'rules', join(import.meta.dirname, 'weir.rules.test.yaml'));
  });

  it('has a unit test of every alert', () => {
    const tests = readFileSync(join(import.meta.dirname, 'weir.rules.test.yaml'), 'utf8');
    const alerts = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\S+)/g)].map(([, name = '']) => name);
    assert.ok(alerts.length >= 12);
    assert.deepEqual(
      alerts.filter((alert) => !tests.includes(`"${alert}"`)),
      [],
    );
  });

  for (const file of [RULES, DASHBOARD])
    it(`names no metric in ${file.slice(SYSTEMD.length + 1)} that is not exported`, async () => {
      const exported = await exportedNames();
      const expressions = readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => !/^\s*#/.test(line));
      const names = new Set(namesIn(expressions.join('\n')));
      assert.ok(names.size > 10);
      assert.deepEqual(
        [...names].filter((name) => !exported.has(name) && name !== 'weir_limited'),
        [],
      );
    });

  it('has every metric in docs/operations.md (UPDATE_GOLDEN=1 writes the table)', () => {
    const docs = join(import.meta.dirname, '../../docs/operations.md');
    const text = readFileSync(docs, 'utf8');
    const [head = '', rest = ''] = text.split(BEGIN);
    const [, tail = ''] = rest.split(END);
    const rows = METRIC_FAMILIES.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(
      ({ name, labels, help }) => `| \`${name}\` | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
    );
    const table = ['| metric | labels | meaning |', '|---|---|---|', ...rows].join('\n');
    const wanted = `${head}${BEGIN}\n${table}\n${END}${tail}`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(docs, wanted);
    assert.equal(readFileSync(docs, 'utf8'), wanted);
  });

  it('shows in the dashboard only what is recorded by the rules', () => {
    const recorded = new Set([...readFileSync(RULES, 'utf8').matchAll(/- record: (\S+)/g)].map(([, name]) => name));
    const named = readFileSync(DASHBOARD, 'utf8').match(/\b[a-z_]+:weir_[a-z]+(?::\w+)?/g) ?? [];
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.filter((name) => !recorded.has(name)),
      [],
    );
  });

  it('has a dashboard whose expressions Prometheus can read', () => {
    const { panels }: { panels: { id: number; targets: { expr: string }[] }[] } = JSON.parse(
      readFileSync(DASHBOARD, 'utf8'),
    );
    const rules = panels.flatMap(({ targets }) => targets).map(({ expr }, i) => ({ record: `panel:${i}`, expr }));
    const folder = mkdtempSync(join(tmpdir(), 'weir-dashboard-'));
    try {
      const file = join(folder, 'panels.json');
      // Grafana fills them in.
      const filled = JSON.stringify({ groups: [{ name: 'panels', rules }] }).replaceAll(/\$(?:instance|tenant)/g, '.*');
      writeFileSync(file, filled);
      promtool('check', 'rules', file);
    } finally {
      rmSync(folder, { recursive: true });
    }
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  });
});
