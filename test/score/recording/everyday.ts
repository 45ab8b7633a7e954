/** Everyday traffic, some of it hard: nothing in it is to be named. */
import { by, type Recording, STRANGER, TENANT } from './recording.ts';
import { SIDES } from './stage.ts';

const quiet = (name: string, packets: number, commands: Recording['commands']): Recording => ({
  name: `quiet-${name}`,
  packets,
  commands,
});

export const EVERYDAY: readonly Recording[] = [
  quiet('iperf3-download', 1500, [by('tenant', `iperf3 -c ${STRANGER} -t 2 -R`)]),
  quiet('iperf3-upload', 1500, [by('tenant', `iperf3 -c ${STRANGER} -t 2`)]),
  quiet('iperf3-udp', 2000, [by('tenant', `iperf3 -c ${STRANGER} -u -b 10M -l 1200 -t 3`)]),
  quiet('ab', 2500, [by('stranger', `ab -q -n 500 -c 20 http://${TENANT}:80/`)]),
  quiet('ab-refused', 3000, [by('stranger', `ab -q -r -n 20 -c 1 http://${TENANT}:81/`)]),
  quiet('wrk', 2500, [by('stranger', `wrk -t 1 -c 30 -d 2s http://${TENANT}:80/`)]),
  quiet('resolver', 4000, [by('tenant', 'dig +tries=1 +time=1 -p 5353 @127.0.0.1 -f QUERIES')]),
  quiet(
    'trunks',
    3000,
    Array.from({ length: 60 }, (_, i) =>
      by(
        'tenant',
        `timeout 3 sipp -sf SCENARIO -m 1 -r 10 -nostdin -timeout 2 -i ${TENANT} -p ${6000 + i} ${SIDES.stranger.block}.${i + 1}:5060`,
      ),
    ),
  ),
  quiet('fping', 4000, [
    by('tenant', `fping -q -c 6 -p 1500 -i 5 -r 0 -g ${SIDES.stranger.block}.20 ${SIDES.stranger.block}.135`),
  ]),
  quiet('mesh', 6000, [by('tenant', 'NODE MESH')]),
  quiet('arping', 200, [by('tenant', 'arping -q -c 8 -W 0.2 -i edge0 192.0.2.1')]),
  quiet('nping-udp', 400, [by('stranger', `nping -q --udp -p 5060,5061 -c 10 --delay 100ms ${TENANT}`)]),
  quiet('nping-tcp', 400, [by('stranger', `nping -q --tcp-connect -p 80,443 -c 20 --delay 50ms ${TENANT}`)]),
  quiet('ping', 400, [by('stranger', `nping -q --icmp -c 60 --delay 50ms ${TENANT}`)]),
  quiet('traceroute', 400, [by('tenant', `nmap -n -sn -PE --traceroute ${STRANGER}`)]),
];
