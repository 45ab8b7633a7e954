/** What is answered to a request, whatever carries it. */
import type { ServerResponse } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** The methods that there are, where the one that was asked for is none of them. */
  readonly allow?: string;
  /** Goes on writing after the headers, instead of `body`, until the client or the server ends it. */
  readonly feed?: (response: ServerResponse) => void;
}

export const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

export function jsonReply(status: number, value: unknown): Reply {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify(value)}\n` };
}

export const problem = (status: number, error: string): Reply => jsonReply(status, { error });
