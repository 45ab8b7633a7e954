import assert from 'node:assert/strict';
import { ExporterInterfaces } from '../../daemon/metering/exporterInterfaces.ts';
import { InterfaceCounters } from '../../probes/flow.ts';

const counters = (ifIndex: number, changes: Partial<InterfaceCounters> = {}): InterfaceCounters =>
  Object.assign(new InterfaceCounters(), { ifIndex, ...changes });

describe('ExporterInterfaces', () => {
  it('has the last figures of each interface, and null for what is not known', () => {
    const interfaces = new ExporterInterfaces();
    interfaces.observe('192.0.2.1', counters(3, { ifInOctets: 1 }), 1000);
    interfaces.observe('192.0.2.1', counters(3, { ifInOctets: 2, ifInDiscards: 0, ifSpeed: 1e9 }), 2000);
    interfaces.observe('192.0.2.2', counters(3), 2000);
    const unknown = { octets: null, packets: null, discards: null, errors: null };
    assert.deepEqual(interfaces.of('192.0.2.1'), [
      { index: 3, speedBps: 1e9, inbound: { ...unknown, octets: 2, discards: 0 }, outbound: unknown, lastMs: 2000 },
    ]);
    assert.deepEqual(interfaces.of('192.0.2.3'), []);
  });

  it('keeps 64 of an exporter and 1,024 in all, and has room again for who comes after one that is forgotten', () => {
    const interfaces = new ExporterInterfaces();
    const exporters = Array.from({ length: 40 }, (_, i) => `198.51.100.${i}`);
    for (const exporter of exporters) for (let i = 0; i < 100; i++) interfaces.observe(exporter, counters(i), 1000);
    const sizes = (): number[] => exporters.map((exporter) => interfaces.of(exporter).length);
    assert.deepEqual(sizes(), [...Array<number>(16).fill(64), ...Array<number>(24).fill(0)]);
    interfaces.forget('198.51.100.3');
    interfaces.forget('198.51.100.30');
    for (let i = 0; i < 100; i++) interfaces.observe('198.51.100.30', counters(i), 1000);
    assert.deepEqual([sizes()[3], sizes()[30]], [0, 64]);
  });
});
