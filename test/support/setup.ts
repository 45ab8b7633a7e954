/**
 * Brings the machine to what the tests and the lab need: root, and Debian's packages of the tools that they run. Only
 * what is missing is installed, and no service of it is left running or enabled.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian's package of each command. */
const PACKAGES: Readonly<Record<string, string>> = {
  chromium: 'chromium',
  debootstrap: 'debootstrap',
  editcap: 'wireshark-common',
  ethtool: 'ethtool',
  'g++': 'g++',
  git: 'git',
  hping3: 'hping3',
  ip: 'iproute2',
  iperf3: 'iperf3',
  lintian: 'lintian',
  make: 'make',
  nfpcapd: 'nfdump',
  iptables: 'iptables',
  man: 'man-db',
  groff: 'groff-base',
  prometheus: 'prometheus',
  nmap: 'nmap',
  'pcap-config': 'libpcap-dev',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  promtool: 'prometheus',
  pmacctd: 'pmacct',
  ps: 'procps',
  script: 'bsdutils',
  softflowd: 'softflowd',
  'systemd-escape': 'systemd',
  'systemd-nspawn': 'systemd-container',
  python3: 'python3',
  tcpdump: 'tcpdump',
  tshark: 'tshark',
  // Debian has a kernel that is a program for these alone.
  ...(process.arch === 'x64' ? { 'linux.uml': 'user-mode-linux', modprobe: 'kmod' } : {}),
};

/** Debian's hook that lets no package start its service; 101: forbidden by policy. */
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_FORBIDS = '#!/bin/sh\nexit 101\n';

function isCommand(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function apt(...args: string[]): void {
  const { status, stdout, stderr, error } = spawnSync('apt-get', ['-q', '-y', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
  });
  if (status === 0) return;
  const why = error?.message ?? `exit status ${status}\n${stdout}${stderr}`;
  throw new Error(`Cannot apt-get ${args.join(' ')}: ${why}`);
}

/** The unit files that came with a package. */
function units(name: string): string[] {
  const files = spawnSync('dpkg', ['-L', name], { encoding: 'utf8' }).stdout.split('\n');
  return files.filter((file) => file.includes('/systemd/system/')).flatMap((file) => file.split('/').at(-1) ?? []);
}

function install(packages: readonly string[]): void {
  process.stdout.write(`Installing Debian's ${packages.join(', ')} …\n`);
  const hadPolicy = existsSync(POLICY);
  // Ctrl-C ends apt-get, but not this process before it has taken the policy back.
  process.on('SIGINT', () => {});
  if (!hadPolicy) writeFileSync(POLICY, POLICY_FORBIDS, { mode: 0o755 });
  try {
    apt('update');
    apt('install', '--no-install-recommends', ...packages);
  } finally {
    if (!hadPolicy) rmSync(POLICY);
  }
  const services = packages.flatMap(units);
  if (isCommand('systemctl') && services.length > 0) spawnSync('systemctl', ['--quiet', 'disable', ...services]);
}

function setUp(): void {
  if (process.getuid?.() !== 0) throw new Error('Cannot make network namespaces: not root; use sudo');
  const missing = Object.keys(PACKAGES).filter((command) => !isCommand(command));
  if (missing.length === 0) return;
  const packages = missing.flatMap((command) => PACKAGES[command] ?? []);
  if (!isCommand('apt-get')) throw new Error(`Cannot install ${packages.join(', ')}: not Debian, there is no apt-get`);
  install(packages);
  const still = missing.filter((command) => !isCommand(command));
  if (still.length > 0)
    throw new Error(`Cannot find ${still.join(', ')} after the installation of ${packages.join(', ')}`);
}

/** The module is optional for the daemon, not for its tests. */
function buildCap(): void {
  const { status, stderr } = spawnSync('sh', ['systemd/setup.sh', 'cap'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr.trim());
}

try {
  setUp();
  buildCap();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
