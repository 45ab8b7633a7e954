/** Reads what the last run left: the open incidents, those that closed last, the limits that stood, the detectors' memories. */
import type { DatabaseSync } from 'node:sqlite';
import { inflateRawSync } from 'node:zlib';
import type { Remembered } from './storeProtocol.ts';
import { savedLimitOf } from './writer.ts';

const MAX_OPEN = 100_000;
const MAX_CLOSED = 100;
const MAX_MEMORIES = 10_000;
/** A broken file must not unfold to more. */
const MAX_MEMORY_BYTES = 2 ** 26;

export function readRemembered(database: DatabaseSync): Remembered {
  const incidents = (state: string, most: number) =>
    database
      .prepare('SELECT incident, memory FROM incidents WHERE state = ? ORDER BY last_seen_ms DESC LIMIT ?')
      .all(state, most);
  return {
    open: incidents('open', MAX_OPEN).map(({ incident, memory }) => ({
      incident: String(incident),
      memory: memory === null ? null : String(memory),
    })),
    closed: incidents('closed', MAX_CLOSED).map(({ incident }) => String(incident)),
    limits: database.prepare('SELECT * FROM limits WHERE ended_ms IS NULL').all().map(savedLimitOf),
    memories: database
      .prepare('SELECT point, detector, state FROM memories LIMIT ?')
      .all(MAX_MEMORIES)
      .flatMap(({ point, detector, state }) => {
        const text = unpacked(state);
        return text === null ? [] : [{ point: String(point), detector: String(detector), state: text }];
      }),
  };
}

/** null: it cannot be read. */
function unpacked(state: unknown): string | null {
  if (!(state instanceof Uint8Array)) return null;
  try {
    return inflateRawSync(state, { maxOutputLength: MAX_MEMORY_BYTES }).toString();
  } catch {
    return null;
  }
}
