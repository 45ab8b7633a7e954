import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

/** Of what is kept of all exporters together: 256 over UDP and as many connections, 32,768 templates among them. */
const MOST_MIB = 40;
/** What the collector of garbage leaves differs by some of it. */
const FLAT_MIB = 3;

describe('the memory of FlowDecoder', () => {
  it('is flat under floods of templates, domains and samplers from 20,000 forged exporters', function () {
    this.timeout(120_000);
    const child = new URL('floodProcess.ts', import.meta.url).pathname;
    const output = execFileSync(process.execPath, ['--expose-gc', child], { encoding: 'utf8' });
    const { kept, exporters, records, states } = JSON.parse(output);
    assert.equal(exporters, 20_000);
    assert(records >= 20_000, `${records} records`);
    assert(states <= 512, `${states} exporters are kept`);
    const [atFirst, , full, last] = kept;
    assert(full - atFirst > 1, `${kept.join(' ')} MiB: nothing is kept`);
    assert(last - atFirst < MOST_MIB, `${kept.join(' ')} MiB`);
    assert(last - full < FLAT_MIB, `${kept.join(' ')} MiB`);
  });
});
