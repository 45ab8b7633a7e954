/** The status endpoint over HTTP, for this host alone, read-only. */
import type { Server } from 'node:http';
import { isIPv6 } from 'node:net';
import { answer } from './api.ts';
import { boundedServer, closeServer, type ServerOptions } from './boundedServer.ts';
import { jsonReply } from './reply.ts';
import type { ApiSources } from './routes.ts';

export interface StatusServerOptions extends ApiSources, ServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
}

export interface StatusServer {
  /** As it is after `listen.port` 0. */
  readonly port: number;
  close(): Promise<void>;
}

/** Rejects with one line for the operator when it cannot listen. */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  let hosts: ReadonlySet<string> = new Set();
  const server = boundedServer(options, async ({ method = '', url = '', headers }) =>
    hosts.has(headers.host?.toLowerCase() ?? '')
      ? answer({ method, target: url, accept: headers.accept ?? '' }, options)
      : jsonReply(421, { error: 'unknown host' }),
  );
  const port = await listen(server, options.listen);
  server.on('error', (error) => options.log.error({ err: error }, 'Cannot go on serving the status endpoint'));
  hosts = ownHosts(options.listen.host, port);
  return { port, close: () => closeServer(server) };
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
