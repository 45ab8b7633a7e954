/** A lab whose protected host has its interfaces limited, and what stands there of ours and of others. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { Executor } from '../../daemon/enforcement/executor.ts';
import type { Limit } from '../../daemon/enforcement/limit.ts';
import { Limiter } from '../../daemon/enforcement/limiter.ts';
import { Tc } from '../../daemon/enforcement/tc.ts';
import { Lab } from '../lab/lab.ts';
import type { TenantId } from '../lab/topology.ts';

export class LimiterBed {
  readonly lab = new Lab();
  readonly netns = `${this.lab.name}-pbx`;
  readonly sys = `/proc/${this.lab.agent('pbx').pid}/root/sys`;
  readonly tc = new Tc({ netns: this.netns, sys: this.sys });

  /** Runs lines of `tc -batch` on the host; returns what it printed. */
  tcIn(...lines: string[]): string {
    return this.#batch('tc', lines);
  }

  ipIn(...lines: string[]): string {
    return this.#batch('ip', lines);
  }

  #batch(tool: string, lines: readonly string[]): string {
    return execFileSync(tool, ['-n', this.netns, '-batch', '-'], { input: `${lines.join('\n')}\n`, encoding: 'utf8' });
  }

  /** All of ours that stands, as text, without numbers that the kernel gives. */
  async standing(): Promise<string[]> {
    const { objects } = await this.tc.read();
    return objects.map(({ key, state }) => `${key}: ${state}`).toSorted();
  }

  /** All that tc shows of `eth0` but ours. */
  administrators(): string[][] {
    return ['qdisc', 'class', 'filter parent 1:', 'filter egress', 'filter ingress'].map((question) => {
      const [kind, ...place] = question.split(' ');
      const rows = this.tcIn([kind, 'show dev eth0', ...place].join(' ')).split(/^(?=filter )/m);
      return rows.filter((row) => row !== '' && !/ pref 642\d\d /.test(row));
    });
  }

  async limiterWith(limits: readonly Limit[], executor: Executor = this.tc): Promise<Limiter> {
    const limiter = new Limiter(executor);
    await limiter.start(limits);
    return limiter;
  }

  /** What stands when nothing stood before. */
  async fromScratch(limits: readonly Limit[]): Promise<string[]> {
    const limiter = await this.limiterWith(limits);
    const stands = await this.standing();
    await limiter.stop();
    return stands;
  }

  /** Nobody listens there: that the far end refuses is proof that it was reached, and that its answer came back. */
  reaches(from: TenantId, to: string): Promise<void> {
    return assert.rejects(this.lab.agent(from).ask('get', `http://${to}:9999`), /ECONNREFUSED/);
  }
}
