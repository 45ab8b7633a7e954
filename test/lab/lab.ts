/**
 * Hosts in network namespaces, joined by veth pairs (topology.ts): commands and agents on them, the state of the
 * protected host's interfaces, and an end that leaves nothing behind. Needs root; two labs can run at once.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabAgent } from './labAgent.ts';
import { LabProcess } from './labProcess.ts';
import { addNetwork, namespaceOf, nextLabName, rejoin, removeDeadLabs, removeNetwork } from './network.ts';
import type { Host, TenantId } from './topology.ts';

export class Lab {
  readonly name = nextLabName();
  /** For files of this lab; goes with it. */
  readonly directory = mkdtempSync(join(tmpdir(), `${this.name}-`));
  readonly #agents = new Map<Host, LabAgent>();

  constructor() {
    assert.equal(process.getuid?.(), 0, 'network namespaces need root: sudo npm test');
    removeDeadLabs();
    addNetwork(this.name);
  }

  /** Runs a command to its end and returns what it printed. Throws, with that, unless its exit status is 0. */
  async run(host: Host, ...command: readonly [string, ...string[]]): Promise<string> {
    const child = this.spawn(host, command);
    const { code, signal } = await child.ended;
    if (code === 0) return child.stdout;
    throw new Error(`${command.join(' ')}: ${code ?? signal}: ${child.stderr}${child.stdout}`);
  }

  spawn(host: Host, command: readonly string[]): LabProcess {
    return new LabProcess(namespaceOf(this.name, host), command);
  }

  /** The host's agent, which is started when it is first asked for. */
  agent(host: Host): LabAgent {
    const agent = this.#agents.get(host) ?? new LabAgent(namespaceOf(this.name, host));
    this.#agents.set(host, agent);
    return agent;
  }

  /** Links, queueing disciplines, classes and filters of the protected host: what a stopped daemon must leave as it was. */
  async snapshot(): Promise<Readonly<Record<string, unknown>>> {
    const links: { ifname: string }[] = JSON.parse(await this.run('pbx', 'ip', '-j', '-d', 'link', 'show'));
    const questions = links.flatMap(({ ifname }) => [
      ['tc', '-j', 'qdisc', 'show', 'dev', ifname],
      ['tc', '-j', 'class', 'show', 'dev', ifname],
      ['tc', '-j', 'filter', 'show', 'dev', ifname, 'ingress'],
      ['tc', '-j', 'filter', 'show', 'dev', ifname, 'egress'],
    ]);
    const answers = await Promise.all(questions.map(([tc = '', ...words]) => this.run('pbx', tc, ...words)));
    return Object.fromEntries([['links', links], ...answers.map((answer, i) => [questions[i]?.join(' '), answer])]);
  }

  /** Joins a tenant again after its interface was deleted. */
  rejoin(tenant: TenantId): void {
    rejoin(this.name, tenant);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.stop()));
    removeNetwork(this.name);
    rmSync(this.directory, { recursive: true });
  }
}
