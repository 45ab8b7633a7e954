import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { capturesOrPending } from '../support/captures.ts';
import { replay } from '../support/replay.ts';

/** A capture of scans/, the addresses of its one tenant, and what is told of it but for its forged and odd headers. */
const CAPTURES: readonly (readonly [file: string, addresses: readonly string[], told: readonly string[]])[] = [
  ['nd-synscan.pcap', ['64.13.134.52'], ['portScan syn inbound 172.16.0.8 > 64.13.134.52']],
  ['nd-synscan.pcap', ['172.16.0.8'], ['portScan syn outbound 172.16.0.8 > 64.13.134.52']],
  ['ph-hs-icmpScan.pcap', ['10.0.0.128'], ['hostSweep icmp outbound 10.0.0.128 > null']],
  ['ph-hs-icmpScan.pcap', ['10.0.0.0/25'], ['hostSweep icmp inbound 10.0.0.128 > null']],
  ['ph-hs-tcp_synPingSweepRand.pcapng', ['10.0.0.128'], ['hostSweep syn outbound 10.0.0.128 > null']],
  ['ph-hs-tcp_synPingSweepRand.pcapng', ['10.0.0.0/25'], ['hostSweep syn inbound 10.0.0.128 > null']],
  ['ph-ps-udp.pcap', ['10.0.0.135'], ['portScan udp outbound 10.0.0.135 > null']],
  ['ph-ps-udp.pcap', ['10.0.0.1', '10.0.0.2', '10.0.0.254'], ['portScan udp inbound 10.0.0.135 > null']],
  ['ze-nmap-vsn.pcap', ['192.168.1.71'], ['hostSweep arp outbound 192.168.1.71 > null']],
  ['ze-nmap-vsn.pcap', ['192.168.1.0/26'], ['hostSweep arp inbound 192.168.1.71 > null']],
  // The errors quote packets of another source than the address that they go to: they say nothing of what that has done.
  ['ph-hs-sh-IPscan.pcapng', ['10.0.0.128'], []],
  // Passwords are guessed, at one port.
  ['ze-sshguess.pcap', ['192.168.56.0/24'], []],
];

describe('scans in public captures', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-scans-'));
  after(() => rmSync(directory, { recursive: true }));

  for (const [file, addresses, told] of CAPTURES) {
    it(`are named once in ${file}, at ${addresses.join(' ')}`, function () {
      const path = capturesOrPending(this, 'scans').find((each) => each.endsWith(file));
      assert(path !== undefined);
      const config = join(directory, 'weir.yaml');
      writeFileSync(config, stringify({ tenants: [{ id: 'acme', addresses, plan: { port: '100mbit' } }] }));
      const { incidents, stderr } = replay([path, '--config', config]);
      assert.equal(stderr, '');
      const others = incidents.filter(({ clause }) => clause !== 'network.spoofing');
      assert.deepEqual(others.map(describeIncident), told);
    });
  }
});

function describeIncident({ detector, direction, offender, victim, evidence }: Readonly<Record<string, unknown>>) {
  const type = typeof evidence === 'object' && evidence !== null && 'type' in evidence ? evidence.type : '';
  return [detector, type, direction, offender, '>', victim].map(String).join(' ');
}
