/**
 * All of the status endpoint, and what changes something, on a unix socket: who may open it may change things, and is named
 * by the kernel. No page of a browser can reach it.
 */
import { chmodSync, chownSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { BaseLogger } from 'pino';
import { messageOf } from '../messageOf.ts';
import { answer } from './api.ts';
import { boundedServer, closeServer, type ServerOptions } from './boundedServer.ts';
import { type ChangeRoute, changes, type Controls } from './changes.ts';
import { groupId, peerName } from './peer.ts';
import { jsonReply, type Reply } from './reply.ts';
import type { ApiSources } from './routes.ts';

/** Its members may change what the daemon does. */
const GROUP = 'weir';
const MODE = 0o660;
const MAX_BODY_BYTES = 4_096;

export interface ControlServerOptions extends ApiSources, Controls, ServerOptions {
  readonly path: string;
  readonly log: Pick<BaseLogger, 'error' | 'warn'>;
}

/** Rejects with one line for the operator when it cannot listen. */
export async function startControlServer(options: ControlServerOptions): Promise<{ close(): Promise<void> }> {
  const { path, log } = options;
  const server = boundedServer(options, (request) => reply(request, options));
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && !found.isSocket()) throw new Error('a file is there that is no socket');
    if (await isStale(path)) unlinkSync(path);
    await listen(server, path);
    chmodSync(path, MODE);
    const group = groupId(GROUP);
    // A user who is not root has the group of its unit already, and may give nothing away.
    const { uid, gid } = statSync(path);
    if (group !== null && gid !== group) chownSync(path, uid, group);
  } catch (cause) {
    await closeServer(server);
    const why = `Cannot listen on ${path}: ${whyNot(cause)}`;
    if (!isForbidden(cause)) throw new Error(why, { cause });
    log.warn(`${why}: nothing can be changed by hand`);
    return { close: () => Promise.resolve() };
  }
  server.on('error', (error) => log.error({ err: error }, 'Cannot go on serving the control socket'));
  return { close: () => closeServer(server) };
}

/** Nobody but its owner can open the socket between its making and its mode. */
function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  const before = process.umask(0o177);
  server.listen(path, () => {
    server.removeListener('error', reject);
    resolve();
  });
  process.umask(before);
  return promise;
}

/** A daemon that was killed leaves its socket behind, at which nobody answers. */
function isStale(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.once('connect', () => resolve(false));
  socket.once('error', (error: Error & { code?: string }) => resolve(error.code === 'ECONNREFUSED'));
  return promise.finally(() => socket.destroy());
}

/** A daemon that may do no more than capture goes on without. */
const isForbidden = (cause: unknown): boolean => ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(cause));

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another daemon answers there (stop it, or change status.socket)',
  EINVAL: 'the path is too long: at most 107 bytes (change status.socket)',
};

const whyNot = (cause: unknown): string => REASONS[codeOf(cause)] ?? messageOf(cause);

const codeOf = (cause: unknown): string => (cause instanceof Error && 'code' in cause ? String(cause.code) : '');

async function reply(request: IncomingMessage, options: ControlServerOptions): Promise<Reply> {
  const { method = '', url = '', headers } = request;
  const found = changes(url);
  if (found === null || method === 'GET' || method === 'HEAD')
    return answer({ method, target: url, accept: headers.accept ?? '' }, options);
  const change = found.methods[method];
  if (change === undefined) {
    const allow = Object.keys(found.methods).join(', ');
    return { ...jsonReply(405, { error: `${allow} alone` }), allow };
  }
  return carryOut(change, { request, options, id: found.id });
}

interface Asked {
  readonly request: IncomingMessage;
  readonly options: ControlServerOptions;
  readonly id: string;
}

async function carryOut(change: ChangeRoute, { request, options, id }: Asked): Promise<Reply> {
  const who = peerName(request.socket);
  const body = await bodyOf(request);
  if (body === undefined) return jsonReply(400, { error: `the body must be JSON of at most ${MAX_BODY_BYTES} bytes` });
  return change({ id, body, who }, options);
}

/** null: there is none; undefined: it cannot be read. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) return undefined;
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  if (bytes === 0) return null;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}
