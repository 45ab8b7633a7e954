/** Network namespaces for tests: made, joined by veth pairs, entered by the calling thread, removed. Needs root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { loadLibc } from '../../probes/libc.ts';

const CLONE_NEWNET = 0x4000_0000;

/** Runs ip(8), by default in the namespace that the thread is in; returns what it printed. */
export function ip(...words: string[]): string {
  return execFileSync('ip', words, { encoding: 'utf8' });
}

/** Makes the namespaces, without IPv6 so that nothing is sent in them but what a test sends. Clears away older ones. */
export function addNamespaces(...names: string[]): void {
  assert.equal(process.getuid?.(), 0, 'network namespaces need root: sudo npm test');
  removeNamespaces(...names);
  for (const name of names) {
    ip('netns', 'add', name);
    inNamespace(name, () => writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1'));
    ip('-n', name, 'link', 'set', 'lo', 'up');
  }
}

export function removeNamespaces(...names: string[]): void {
  const existing = new Set(ip('netns', 'list').split(/\s+/));
  for (const name of names.filter((each) => existing.has(each))) ip('netns', 'delete', name);
}

/** An interface: its namespace and its name. */
export type End = readonly [namespace: string, name: string];

/** Joins two namespaces by a veth pair, both ends up. */
export function joinByVeth([namespace, name]: End, [peerNamespace, peerName]: End): void {
  ip('-n', namespace, 'link', 'add', name, 'type', 'veth', 'peer', 'name', peerName, 'netns', peerNamespace);
  ip('-n', namespace, 'link', 'set', name, 'up');
  ip('-n', peerNamespace, 'link', 'set', peerName, 'up');
}

/** Runs `act` with the calling thread in the namespace; sockets made in there, and processes, stay there. */
export function inNamespace<T>(name: string, act: () => T): T {
  const leave = enterNamespace(name);
  try {
    return act();
  } finally {
    leave();
  }
}

/** Moves the calling thread, and those that it starts, into the namespace; returns the way back. */
export function enterNamespace(name: string): () => void {
  const setns = loadLibc().declare('int setns(int fd, int type)');
  const home = openSync('/proc/thread-self/ns/net', 'r');
  const away = openSync(`/run/netns/${name}`, 'r');
  const entered = setns(away, CLONE_NEWNET);
  closeSync(away);
  assert.equal(entered, 0, `setns to ${name}`);
  return () => {
    assert.equal(setns(home, CLONE_NEWNET), 0, 'setns back');
    closeSync(home);
  };
}
