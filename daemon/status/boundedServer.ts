/** HTTP within bounds, whatever carries it. A bad request is answered, at worst with a closed connection, and goes no further. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { BaseLogger } from 'pino';
import { jsonReply, type Reply } from './api.ts';

const MAX_HEADER_BYTES = 8_192;
const MAX_CONNECTIONS = 128;

/** Nothing of an answer is kept, run, framed or read by a page of another origin. */
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
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

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body, allow }: Reply): void {
  if (response.headersSent || response.destroyed) return;
  // What a refused request goes on to send is not waited for.
  const refused = status >= 400 && status < 500 ? { connection: 'close', ...(allow !== undefined && { allow }) } : {};
  const length = { 'content-type': contentType, 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, { ...SECURITY_HEADERS, ...length, ...refused });
  response.end(request.method === 'HEAD' ? undefined : body);
}

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
