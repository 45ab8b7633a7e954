/** Runs an agenda through metering and detectors: blocks come as they are written, and nothing is kept. */
import type { FrameBlock, Milliseconds } from '../../../probes/probe.ts';
import { Observer } from '../observe.ts';
import type { Observation, WrittenTenant } from '../trial.ts';
import { Agenda } from './agenda.ts';
import { FrameWriter } from './frameWriter.ts';

export interface Span {
  readonly startMs: Milliseconds;
  readonly endMs: Milliseconds;
}

/** `begin` puts into the agenda what is to happen. */
export function simulate(
  tenants: readonly WrittenTenant[],
  span: Span,
  begin: (writer: FrameWriter, agenda: Agenda) => void,
): Omit<Observation, 'attackTimesMs'> {
  const observer = new Observer(tenants);
  run(span, begin, (block) => observer.observe(block));
  return observer.finish();
}

/** The same without anybody who looks; what has begun goes on for `tailMs` after the end. */
export function run(
  { endMs }: Span,
  begin: (writer: FrameWriter, agenda: Agenda) => void,
  take: (block: FrameBlock) => void,
  tailMs = 0,
): void {
  const writer = new FrameWriter(take);
  const agenda = new Agenda();
  begin(writer, agenda);
  agenda.run(endMs + tailMs);
  writer.flush();
}
