import assert from 'node:assert/strict';
import { Sampler } from '../../daemon/metering/sampler.ts';
import { HOST_ROW } from '../../daemon/metering/sampleTable.ts';
import type { Window } from '../../daemon/metering/window.ts';
import type { Sample, SampleProbe } from '../../probes/sample.ts';
import { testSample, testWorkload } from '../support/samples.ts';

const EVERY_MS = 5;

type Answer = () => Promise<Sample>;

/** What a sampler told. `answers` are given in turn, the last again and again. */
class Watch {
  readonly told: string[] = [];
  readonly sampler: Sampler;
  asked = 0;
  readonly #waiting = new Map<number, () => void>();

  constructor(answers: readonly Answer[], timeoutMs = 20) {
    const probe: SampleProbe = { sample: () => (answers[this.asked++] ?? answers.at(-1) ?? fail)() };
    this.sampler = new Sampler({
      probe,
      everyMs: EVERY_MS,
      timeoutMs,
      tenantIds: ['acme'],
      onSample: (_, window) => this.#tell(window === null ? 'first' : cpuOf(window)),
      onFailure: (reason) => this.#tell(reason),
    });
  }

  async run(enough: number): Promise<readonly string[]> {
    this.sampler.start();
    await this.until(enough);
    this.sampler.stop();
    return this.told;
  }

  async until(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(count, resolve);
    if (this.told.length < count) await promise;
  }

  #tell(text: string): void {
    this.told.push(text);
    this.#waiting.get(this.told.length)?.();
  }
}

const cpuOf = ({ samples, seconds }: Window): string =>
  `${samples.get(1, 'cpuSeconds')} of ${samples.get(HOST_ROW, 'cpuSeconds')} in ${seconds} s`;

const at = (seconds: number): Sample =>
  testSample(1e12 + seconds * 1000, [testWorkload('acme', { cpuSeconds: 100 + seconds })], {
    cpuBusySeconds: 1000 + 2 * seconds,
  });
const gives =
  (seconds: number): Answer =>
  async () =>
    at(seconds);
const fail: Answer = async () => {
  throw new Error('the disk is gone');
};
const throws: Answer = () => {
  throw new Error('no probe');
};
const hang: Answer = () => new Promise<never>(() => {});

describe('Sampler', () => {
  it('gives a window between each two samples', async () => {
    const watch = new Watch([gives(0), gives(5), gives(11)]);
    assert.deepEqual(await watch.run(3), ['first', '5 of 10 in 5 s', '6 of 12 in 6 s']);
    assert.deepEqual(watch.sampler.state.sample, at(11));
  });

  it('counts a round that fails, and goes on over it', async () => {
    const watch = new Watch([gives(0), fail, gives(10)]);
    assert.deepEqual(await watch.run(3), ['first', 'the disk is gone', '10 of 20 in 10 s']);
    const { rounds, failedRounds, failure } = watch.sampler.state;
    assert.deepEqual([rounds, failedRounds, failure], [3, 1, null]);
  });

  it('leaves a round behind that hangs', async () => {
    const watch = new Watch([gives(0), hang, gives(10)]);
    assert.deepEqual(await watch.run(3), ['first', 'no answer within 0.02 s', '10 of 20 in 10 s']);
  });

  it('does not hang more and more of them, and goes on when they end', async () => {
    const hung = Promise.withResolvers<Sample>();
    const watch = new Watch([gives(0), () => hung.promise, () => hung.promise, gives(20)]);
    watch.sampler.start();
    await watch.until(5);
    assert.equal(watch.asked, 3);
    hung.resolve(at(10));
    const { told } = watch;
    await watch.until(7);
    watch.sampler.stop();
    assert.deepEqual(told.slice(1, 4), [
      'no answer within 0.02 s',
      'no answer within 0.02 s',
      '2 earlier rounds still hang',
    ]);
    assert(told.includes('20 of 40 in 20 s'), told.join('\n'));
  });

  it('makes no window of time that goes back', async () => {
    const watch = new Watch([gives(10), gives(0), gives(5)]);
    assert.deepEqual(await watch.run(3), ['first', 'first', '5 of 10 in 5 s']);
  });

  it('survives a probe that throws at once', async () => {
    assert.deepEqual(await new Watch([throws, throws, throws, gives(0)]).run(4), [
      'no probe',
      'no probe',
      'no probe',
      'first',
    ]);
  });

  it('asks once at a time', async () => {
    let open = 0;
    let most = 0;
    let seconds = 0;
    const slowly: Answer = async () => {
      most = Math.max(most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 3 * EVERY_MS));
      open -= 1;
      return at(seconds++);
    };
    await new Watch([slowly], 1000).run(4);
    assert.equal(most, 1);
  });

  it('tells nothing once it is stopped', async () => {
    const late = Promise.withResolvers<Sample>();
    const watch = new Watch([() => late.promise], 1000);
    watch.sampler.start();
    watch.sampler.stop();
    late.resolve(at(0));
    await new Promise(setImmediate);
    assert.deepEqual(watch.told, []);
  });
});
