/** A made-up host in a temporary folder: its cgroups of v1, v2 or both beside each other, and files of /etc, /var and /home. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createHostProbe } from '../../../probes/host/hostProbe.ts';
import type { SampleProbe, Workload } from '../../../probes/sample.ts';

type Files = Readonly<Record<string, string>>;

/** Of a cgroup that does little. */
export const V2_FILES: Files = {
  'cpu.stat': 'usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_throttled 3\nthrottled_usec 750000\n',
  'cpu.max': '150000 100000\n',
  'cpu.pressure':
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=4000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n',
  'memory.current': '104857600\n',
  'memory.max': 'max\n',
  'memory.stat': 'anon 80000000\nfile 24857600\ninactive_anon 7\ninactive_file 4857600\n',
  'memory.events': 'low 0\nhigh 0\nmax 12\noom 5\noom_kill 2\n',
  'memory.pressure':
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=300000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=100000\n',
};
/** By controller. */
const V1_FILES: Readonly<Record<string, Files>> = {
  'cpu,cpuacct': {
    'cpuacct.usage': '2500000000\n',
    'cpu.stat': 'nr_periods 9\nnr_throttled 3\nthrottled_time 750000000\n',
    'cpu.cfs_quota_us': '150000\n',
    'cpu.cfs_period_us': '100000\n',
  },
  memory: {
    'memory.usage_in_bytes': '104857600\n',
    'memory.stat':
      'cache 1\ninactive_file 9\nhierarchical_memory_limit 209715200\ntotal_cache 2\ntotal_inactive_file 4857600\n',
    'memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
  },
};

export class HostTree {
  readonly root = mkdtempSync(join(tmpdir(), 'weir-host-'));
  readonly cgroups = join(this.root, 'sys/fs/cgroup');
  readonly version: 1 | 2;

  constructor(version: 1 | 2) {
    this.version = version;
    if (version === 2) {
      this.write('sys/fs/cgroup/cgroup.controllers', 'cpu memory\n');
      return;
    }
    for (const controller of Object.keys(V1_FILES)) this.write(`sys/fs/cgroup/${controller}/cgroup.procs`, '');
    for (const name of ['cpu', 'cpuacct']) symlinkSync('cpu,cpuacct', join(this.cgroups, name));
  }

  /** Of the host, by a path below its root. */
  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  /** Makes a cgroup; its files may be others than usual. Throws if it is there. */
  add(path: string, files: Files = {}): void {
    const usual = this.version === 2 ? { '': V2_FILES } : V1_FILES;
    for (const [mount, own] of Object.entries(usual)) {
      const directory = join(this.cgroups, mount, path);
      mkdirSync(dirname(directory), { recursive: true });
      mkdirSync(directory);
      const changed = Object.entries(files).filter(([file]) => this.version === 2 || file in own);
      for (const [file, text] of [...Object.entries(own), ...changed]) writeFileSync(join(directory, file), text);
    }
  }

  remove(path: string): void {
    for (const mount of this.#mounts()) rmSync(join(this.cgroups, mount, path), { recursive: true });
  }

  move(from: string, to: string): void {
    for (const mount of this.#mounts()) {
      mkdirSync(dirname(join(this.cgroups, mount, to)), { recursive: true });
      renameSync(join(this.cgroups, mount, from), join(this.cgroups, mount, to));
    }
  }

  #mounts(): readonly string[] {
    return this.version === 2 ? [''] : Object.keys(V1_FILES);
  }

  /** Reads the real /proc. */
  probe(workloads: Readonly<Record<string, Workload>>, now = Date.now): SampleProbe {
    return createHostProbe({ workloads: new Map(Object.entries(workloads)), root: this.root, procRoot: '/proc', now });
  }

  removeAll(): void {
    rmSync(this.root, { recursive: true });
  }
}
