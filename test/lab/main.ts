/** `npm run lab`: the lab with the daemon and an Alertmanager, until Ctrl-C; prints what to try, then the daemon's log. */
import { once } from 'node:events';
import { iperf3, synFlood, synScan, udpFlood } from './attacks.ts';
import { ALERTMANAGER_PORT, labConfiguration, STATUS_URL } from './configuration.ts';
import { Lab } from './lab.ts';
import { LabDaemon } from './labDaemon.ts';
import { namespaceOf } from './network.ts';
import { HOSTS, type Host, INTERNET_IPV4, TENANTS } from './topology.ts';

const CONFIGURATION = labConfiguration({
  plans: { acme: { threshold: { rate: '20mbit', for: '3s' }, limit: '5mbit' } },
  sections: {
    detectors: { bandwidthThreshold: { mode: 'enforce' } },
    enforcement: { mode: 'enforce', hold: '15s' },
    incidents: { closeAfter: '10s' },
  },
});

const SECONDS = 15;
const { acme, cedar } = TENANTS;

function advice(lab: Lab): string {
  const on = (host: Host, command: readonly string[]): string =>
    `  ip netns exec ${namespaceOf(lab.name, host)} ${command.join(' ')}`;
  const load = iperf3({ to: INTERNET_IPV4, seconds: 2 * SECONDS, rate: '40M' }).filter((word) => word !== '--json');
  return `
Hosts: ${HOSTS.join(', ')}. The daemon protects pbx. As root, in another terminal:

What it sees, and what Alertmanager has been told:
${on('pbx', ['curl', '-s', STATUS_URL])}
${on('pbx', ['curl', '-s', `${STATUS_URL}/api/status`])}
${on('pbx', ['amtool', `--alertmanager.url=http://127.0.0.1:${ALERTMANAGER_PORT}`, 'alert', 'query'])}

A SYN flood from everywhere on acme, a UDP flood on cedar, a port scan of acme:
${on('internet', synFlood({ to: acme.ipv4, seconds: SECONDS, spoofed: true }))}
${on('internet', udpFlood({ to: cedar.ipv4, seconds: SECONDS, payload: 200 }))}
${on('internet', synScan(acme.ipv4))}

An upload by acme past its threshold of 20 Mbit/s for 3 s, which is limited to 5 Mbit/s until 15 s after its end:
${on('acme', load)}

Ctrl-C removes all of it. The daemon's log:
`;
}

const interrupted = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
const lab = new Lab();
try {
  lab.spawn('internet', ['iperf3', '--server']);
  await lab.agent('pbx').ask('startAlertmanager', ALERTMANAGER_PORT);
  const daemon = await LabDaemon.start(lab, CONFIGURATION);
  process.stdout.write(advice(lab));
  daemon.process.echo(process.stdout);
  await Promise.race([interrupted, daemon.process.ended]);
  await daemon.process.stop('SIGINT');
} finally {
  await lab.stop();
}
