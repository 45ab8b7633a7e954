/** HTTP within bounds, whatever carries it. A bad request is answered, at worst with a closed connection, and goes no further. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { BaseLogger } from 'pino';
import { jsonReply, type Reply } from './reply.ts';

const MAX_HEADER_BYTES = 8_192;
const MAX_CONNECTIONS = 128;

/** An answer is asked for again each time, and nothing of it is run but our own files, framed or read by a page of another origin. */
const SECURITY_HEADERS = {
  'cache-control': 'private, no-cache',
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

export interface ServerOptions {
  readonly log: Pick<BaseLogger, 'error'>;
  /** How long a request may take to arrive and a connection stay idle; an answer that nobody reads stands twice as long. */
  readonly patienceMs?: number;
}

export type Answer = (request: IncomingMessage) => Promise<Reply>;

/** A server that does not listen yet. */
export function boundedServer({ log, patienceMs = 5_000 }: ServerOptions, answer: Answer): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: patienceMs,
    requestTimeout: patienceMs,
    keepAliveTimeout: patienceMs,
    connectionsCheckingInterval: patienceMs / 5,
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(2 * patienceMs);
  server.on('clientError', refuse);
  server.on('request', (request, response) => void serve(request, response, answer, log));
  return server;
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  log: ServerOptions['log'],
): Promise<void> {
  try {
    send(request, response, await answer(request));
  } catch (error) {
    log.error({ err: error, url: request.url }, 'Cannot answer a status request');
    send(request, response, jsonReply(500, { error: 'internal error' }));
  }
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  const { status, contentType, body, allow, feed } = reply;
  const headers = { ...SECURITY_HEADERS, 'content-type': contentType, vary: 'accept' };
  if (feed !== undefined) {
    response.writeHead(status, headers);
    if (request.method === 'HEAD') response.end();
    else feed(response);
    return;
  }
  const etag = status === 200 ? etagOf(body) : null;
  if (etag !== null && isKnown(etag, request.headers['if-none-match'])) {
    response.writeHead(304, { ...SECURITY_HEADERS, etag, vary: 'accept' });
    response.end();
    return;
  }
  // What a refused request goes on to send is not waited for.
  const refused = status >= 400 && status < 500 ? { connection: 'close', ...(allow !== undefined && { allow }) } : {};
  const length = { 'content-length': Buffer.byteLength(body), ...(etag !== null && { etag }) };
  response.writeHead(status, { ...headers, ...length, ...refused });
  response.end(request.method === 'HEAD' ? undefined : body);
}

const etagOf = (body: Reply['body']): string => `"${createHash('sha1').update(body).digest('base64url')}"`;

/** RFC 9110 section 13.1.2. */
const isKnown = (etag: string, known: string | undefined): boolean =>
  known !== undefined &&
  known.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === etag);

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** What node:http could not read as a request. */
function refuse(error: Error & { code?: string }, socket: Duplex): void {
  const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request';
  if (!socket.writable) socket.destroy();
  else socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

export function closeServer(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  return promise;
}
