/** Tenants whose everyday use is hard on a detector: resolvers, a mesh of peers, monitoring, public servers, somebody who asks all hosts of its carriers. */
import type { Milliseconds } from '../../../probes/probe.ts';
import { outsideAddress, tenantAddress, TENANTS } from '../../bench/workload/addresses.ts';
import { MINUTE } from './calendar.ts';
import { type Edge, HOSTS } from './edge.ts';
import * as say from './exchange.ts';
import { ECHO_REPLY, ECHO_REQUEST } from './frameWriter.ts';
import type { Random } from './random.ts';

/** By the tenant's number. */
const RESOLVING = [11, 12, 13];
const MESHED = [21, 22];
const MONITORING = [31, 32, 33];
const TRUNK_SEEKING = 42;
const CLOCK = 43;
const NAME_SERVER = 44;

const PEER_DATAGRAMS = [say.asked(100, 300), say.asked(100, 300), say.unanswered(100), say.unreachable(100)];
const PEER_CONNECTIONS = [say.request(60_000), say.request(16_000), say.UNANSWERED, say.REFUSED];

/** `people`: what is drawn from it is the same whatever the time. */
export function beHard(edge: Edge, people: Random): void {
  for (const tenant of RESOLVING) edge.often(30, (timeMs) => resolve(edge, tenantAddress(tenant), timeMs));
  for (const tenant of MESHED) edge.always(5, (timeMs) => meet(edge, tenantAddress(tenant), timeMs));
  for (const tenant of MONITORING) monitor(edge, people, tenant);
  seekTrunks(edge, people, tenantAddress(TRUNK_SEEKING));
  edge.always(5, (timeMs) => askServer(edge, tenantAddress(CLOCK), 123, [48, 48], timeMs));
  edge.often(20, (timeMs) => askServer(edge, tenantAddress(NAME_SERVER), 53, [50, 300], timeMs));
  edge.every(MINUTE, (timeMs) => checkAll(edge, timeMs));
}

/** A resolver asks those who know; a few do not answer. */
function resolve(edge: Edge, address: number, timeMs: Milliseconds): void {
  const script = edge.random.chance(0.03) ? say.unanswered(60) : say.asked(60, 200);
  edge.talk(script, timeMs, address, edge.host('nameServers'), edge.random.ephemeralPort(), 53, 40);
}

/** Half of the peers that one has heard of are gone. */
function meet(edge: Edge, address: number, timeMs: Milliseconds): void {
  const { random } = edge;
  const peer = edge.host('peers');
  const port = 1024 + ((peer * 31) % 60_000);
  if (random.chance(0.3)) return edge.tcp(say.request(30_000), timeMs, peer, address, 51_413);
  if (random.chance(0.6)) return edge.talk(random.pick(PEER_DATAGRAMS), timeMs, address, peer, 51_413, port, 60);
  return edge.tcp(random.pick(PEER_CONNECTIONS), timeMs, address, peer, port);
}

/** Three hundred hosts, each minute: a ping, a connection, and SNMP. A few are down. */
function monitor(edge: Edge, people: Random, tenant: number): void {
  const address = tenantAddress(tenant);
  for (let i = 0; i < 300; i++) {
    const host = outsideAddress(HOSTS.monitored.first + (tenant % 3) * 300 + i);
    const isDown = people.chance(0.02);
    const pinged = say.ping(ECHO_REQUEST, ECHO_REPLY);
    const asked = isDown ? say.unanswered(90, [0, 1000]) : say.asked(90, 120);
    edge.every(MINUTE, (timeMs) => {
      edge.talk(isDown ? pinged.slice(0, 1) : pinged, timeMs, address, host, 0, 0, 25);
      edge.tcp(isDown ? say.UNANSWERED : say.CHECK, timeMs + 100, address, host, 443);
      edge.talk(asked, timeMs + 200, address, host, edge.random.ephemeralPort(), 161, 25);
    });
  }
}

const CARRIER_BLOCKS = 4;
const BLOCK_HOSTS = 16;

/** OPTIONS to every host of the blocks that four carriers have published, each minute: a fifth is held in reserve and silent, a tenth refuses. */
function seekTrunks(edge: Edge, people: Random, address: number): void {
  for (let i = 0; i < CARRIER_BLOCKS * BLOCK_HOSTS; i++) {
    const block = outsideAddress(HOSTS.carriers.first + Math.floor(i / BLOCK_HOSTS)) & ~(BLOCK_HOSTS - 1);
    const host = (block + (i % BLOCK_HOSTS)) >>> 0;
    const luck = people.share();
    const script = luck < 0.2 ? say.SIP_UNANSWERED : luck < 0.3 ? say.unreachable(420) : say.asked(420, 380);
    edge.every(MINUTE, (timeMs) => edge.talk(script, timeMs, address, host, 5060, 5060, 20));
  }
}

/** Whoever needs it. */
function askServer(
  edge: Edge,
  address: number,
  port: number,
  [question, answer]: readonly [question: number, answer: number],
  timeMs: Milliseconds,
): void {
  edge.talk(say.asked(question, answer), timeMs, edge.host('visitors'), address, edge.random.ephemeralPort(), port, 40);
}

/** Somebody outside looks after all tenants' web servers, which are there. */
function checkAll(edge: Edge, timeMs: Milliseconds): void {
  const checker = outsideAddress(HOSTS.checker.first);
  for (let tenant = 0; tenant < TENANTS; tenant++)
    edge.tcp(say.CHECK, timeMs + tenant * 250, checker, tenantAddress(tenant), 443);
}
