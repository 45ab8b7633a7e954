/** Asks a host of the lab to do something inside its namespace (agent.ts). */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { AgentMethods, AgentReply, AgentRequest } from './agent.ts';

type Method = keyof AgentMethods;
type Result<Name extends Method> = Awaited<ReturnType<AgentMethods[Name]>>;

export class LabAgent {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (reply: AgentReply) => void>();
  #asked = 0;

  constructor(namespace: string) {
    const inNamespace = ['netns', 'exec', namespace, process.execPath];
    this.#child = fork(join(import.meta.dirname, 'agent.ts'), { execPath: 'ip', execArgv: inNamespace });
    this.#child.on('message', (reply: AgentReply) => this.#waiting.get(reply.id)?.(reply));
    this.#child.once('exit', (code) =>
      this.#fail(`Cannot ask the agent in ${namespace}: it ended with status ${code}`),
    );
  }

  /** Of its process, whose /sys shows the host's interfaces. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async ask<Name extends Method>(method: Name, ...args: Parameters<AgentMethods[Name]>): Promise<Result<Name>> {
    const id = ++this.#asked;
    const { promise, resolve } = Promise.withResolvers<AgentReply>();
    this.#waiting.set(id, resolve);
    const request: Omit<AgentRequest, 'args'> & { args: unknown[] } = { id, method, args };
    this.#child.send(request, (failure) => failure && resolve({ id, error: failure.message }));
    const { result = 'null', error } = await promise;
    this.#waiting.delete(id);
    if (error !== undefined) throw new Error(error);
    const value: Result<Name> = JSON.parse(result);
    return value;
  }

  async stop(): Promise<void> {
    if (!this.#child.connected) return;
    const exited = once(this.#child, 'exit');
    this.#child.disconnect();
    await exited;
  }

  #fail(error: string): void {
    for (const [id, resolve] of this.#waiting) resolve({ id, error });
  }
}
