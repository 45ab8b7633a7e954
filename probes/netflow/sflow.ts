/** sFlow v5. */
import type { FlowRecord, FlowSink } from '../flow.ts';
import type { ExporterState } from './exporterState.ts';
import type { Malformed, Message } from './message.ts';

export function decodeSflow(
  _message: Message,
  _state: ExporterState,
  _record: FlowRecord,
  _sink: FlowSink,
): Malformed | null {
  return 'versionUnknown';
}
