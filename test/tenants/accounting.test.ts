import assert from 'node:assert/strict';
import { accountingPoints, type ObservationPoint } from '../../daemon/tenants/accounting.ts';
import type { Tenant } from '../../daemon/tenants/tenant.ts';

const tenant = (id: string): Tenant => ({
  id,
  addresses: [],
  macs: [],
  plan: { portBps: null, guaranteed: false, threshold: null, limitBps: null },
});

const POINTS: readonly ObservationPoint[] = [
  { name: 'eth0', faces: 'internet', tenant: null },
  { name: 'eth1', faces: 'internet', tenant: null },
  { name: 'veth-acme', faces: 'tenant', tenant: 'acme' },
];

describe('accountingPoints()', () => {
  const accountsFor = accountingPoints(POINTS, [tenant('acme'), tenant('birch')]);
  const pointsOf = (number: number): string[] =>
    POINTS.map(({ name }) => name).filter((name) => accountsFor(number, name));

  it('counts a tenant at its own port, and nowhere else', () => assert.deepEqual(pointsOf(1), ['veth-acme']));
  it('counts a tenant without a port wherever the internet is', () => assert.deepEqual(pointsOf(2), ['eth0', 'eth1']));
  it('counts nobody at number 0 and beyond the last', () => assert.deepEqual([...pointsOf(0), ...pointsOf(3)], []));
});
