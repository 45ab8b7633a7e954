/** The status endpoint over HTTP, for this host alone. A bad request is answered, at worst with a closed connection, and goes no further. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';
import type { BaseLogger } from 'pino';
import { answer, type ApiSources, jsonReply, type Reply } from './api.ts';

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

export interface StatusServerOptions extends ApiSources {
  readonly listen: { readonly host: string; readonly port: number };
  readonly log: Pick<BaseLogger, 'error'>;
  /** How long a request may take to arrive and a connection stay idle; an answer that nobody reads stands twice as long. */
  readonly patienceMs?: number;
}

export interface StatusServer {
  /** As it is after `listen.port` 0. */
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects with one line for the operator when it cannot listen. */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const { patienceMs = 5_000 } = options;
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
  const port = await listen(server, options.listen);
  server.on('error', (error) => options.log.error({ err: error }, 'Cannot go on serving the status endpoint'));
  const hosts = ownHosts(options.listen.host, port);
  server.on('request', (request, response) => void serve(request, response, hosts, options));
  return { port, close: () => close(server) };
}

function listen(server: Server, { host, port }: StatusServerOptions['listen']): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', (error) => reject(cannotListen(error, `${bracketed(host)}:${port}`)));
  server.listen(port, host, () => {
    server.removeAllListeners('error');
    const address = server.address();
    resolve(typeof address === 'object' && address !== null ? address.port : port);
  });
  return promise;
}

const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken (change status.listen, or stop the other process)',
  EADDRNOTAVAIL: 'no interface has this address (change status.listen)',
  EACCES: 'not permitted (ports below 1024 need CAP_NET_BIND_SERVICE; change status.listen)',
};

function cannotListen(cause: Error, where: string): Error {
  const code = 'code' in cause ? String(cause.code) : '';
  return new Error(`Cannot listen on ${where}: ${LISTEN_ERRORS[code] ?? cause.message}`, { cause });
}

const bracketed = (host: string): string => (isIPv6(host) ? `[${host}]` : host);

/** A page elsewhere whose name was rebound to this host (DNS rebinding) still sends that name. */
function ownHosts(host: string, port: number): ReadonlySet<string> {
  const names = ['localhost', '127.0.0.1', '[::1]', bracketed(host)];
  return new Set(names.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`])));
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  hosts: ReadonlySet<string>,
  options: StatusServerOptions,
): Promise<void> {
  try {
    const known = hosts.has(request.headers.host?.toLowerCase() ?? '');
    const { method = '', url = '' } = request;
    send(request, response, known ? await answer(method, url, options) : jsonReply(421, { error: 'unknown host' }));
  } catch (error) {
    options.log.error({ err: error, url: request.url }, 'Cannot answer a status request');
    send(request, response, jsonReply(500, { error: 'internal error' }));
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, contentType, body }: Reply): void {
  if (response.headersSent || response.destroyed) return;
  // What a refused request goes on to send is not waited for.
  const refused =
    status >= 400 && status < 500 ? { connection: 'close', ...(status === 405 && { allow: 'GET, HEAD' }) } : {};
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

function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  return promise;
}
