/**
 * What happens once a week: on Tuesday machines and telephones are updated, on Wednesday there is a large conference, a newsletter and what
 * it brings, on Thursday half of the offices are without power before nine, and there is a webinar; at the weekend one tenant saves everything.
 */
import type { Milliseconds } from '../../../probes/probe.ts';
import { outsideAddress, tenantAddress, TENANTS } from '../../bench/workload/addresses.ts';
import { DAY, HOUR, MINUTE, MONDAY, SECOND } from './calendar.ts';
import { type Edge, HOSTS } from './edge.ts';
import * as say from './exchange.ts';
import { TCP, UDP } from './frameWriter.ts';
import type { Span } from './simulate.ts';
import { Call, Stream, type StreamEnds, type Transfer } from './streams.ts';

/** By days since Monday; times that lie a week and more apart are not told apart. */
const on = (day: number, hour: number, hours: number): Span => ({
  startMs: MONDAY + day * DAY + hour * HOUR,
  endMs: MONDAY + day * DAY + (hour + hours) * HOUR,
});
const [TUESDAY, WEDNESDAY, THURSDAY, SATURDAY] = [1, 2, 3, 5];

const UPDATES = on(TUESDAY, 10, 1);
const NEWSLETTER = on(WEDNESDAY, 9, 1);
const CONFERENCE = on(WEDNESDAY, 10, 0.75);
const VISITORS = on(WEDNESDAY, 11, 0.25);
const WEBINAR = on(THURSDAY, 14, 0.75);
const FULL_BACKUP = on(SATURDAY, 2, 20);
/** To 9:00:20. */
const DARK: Span = { startMs: MONDAY + 3 * DAY + 8.6 * HOUR, endMs: MONDAY + 3 * DAY + 9 * HOUR + 20 * SECOND };

const CONFERRING = 61;
const TEACHING = 62;
const MAILING = 81;
const VISITED = 82;
const SAVING_ALL = 93;
/** Two hours each night, at 60 Mbit/s: what else they save by night goes out beside it. */
const SAVING = [91, 92];

const PARTICIPANTS = 300;
const LISTENERS = 400;
const VIDEO_VIEWERS = 25;

export function celebrate(edge: Edge): void {
  for (let tenant = 0; tenant < TENANTS; tenant += 2) update(edge, tenantAddress(tenant));
  edge.within(NEWSLETTER, 5, (timeMs) => mailOut(edge, timeMs));
  edge.within(VISITORS, 60, (timeMs) =>
    edge.tcp(edge.random.pick(PAGES), timeMs, edge.host('visitors'), tenantAddress(VISITED), 443),
  );
  confer(edge);
  teach(edge);
  save(edge, tenantAddress(SAVING_ALL), FULL_BACKUP, 72e6);
  for (const tenant of SAVING)
    for (let day = 0; day < 7; day++) save(edge, tenantAddress(tenant), on(day, (tenant % 2) * 2, 2), 60e6);
}

const UPDATE_MINUTES = 60;
const PAGES = [3000, 40_000].map((bytes) => say.request(bytes));
/** A quarter of them are gone, or know nothing of it. */
const PEERS_OF_UPDATES = [...Array.from({ length: 6 }, () => say.request(60_000)), say.UNANSWERED, say.REFUSED];

/** One file after another, of 5 to 25 Mbit/s; other machines that have them are asked as well. */
function update(edge: Edge, address: number): void {
  const { random } = edge;
  const ends = { from: edge.host('web'), to: address, fromPort: 443, toPort: random.ephemeralPort() };
  const ofMinutes = Array.from({ length: 1 + UPDATE_MINUTES }, () => random.between(5e6, 25e6));
  const rateBpsAt = (timeMs: Milliseconds): number => ofMinutes[Math.floor((timeMs - UPDATES.startMs) / MINUTE)] ?? 0;
  transfer(edge, ends, UPDATES, rateBpsAt);
  edge.within(UPDATES, 1 / 10, (timeMs) =>
    edge.tcp(random.pick(PEERS_OF_UPDATES), timeMs, address, edge.host('peers'), 7680),
  );
}

/** 18,000 mails; of a hundred hosts four do not answer, and two refuse. */
function mailOut(edge: Edge, timeMs: Milliseconds): void {
  const address = tenantAddress(MAILING);
  const luck = edge.random.share();
  const script = luck < 0.04 ? say.UNANSWERED : luck < 0.06 ? say.REFUSED : say.MAIL;
  edge.talk(say.asked(60, 160), timeMs, address, edge.host('nameServers'), edge.random.ephemeralPort(), 53, 12);
  edge.tcp(script, timeMs + 40, address, edge.host('mailboxes'), 25);
}

/** Everybody dials in within two minutes. */
function confer(edge: Edge): void {
  const address = tenantAddress(CONFERRING);
  for (let i = 0; i < PARTICIPANTS; i++) {
    const participant = outsideAddress(HOSTS.participants.first + i);
    const timeMs = CONFERENCE.startMs + (i / PARTICIPANTS) * 2 * MINUTE;
    edge.talk(say.INVITE, timeMs, participant, address, 5060, 5060, 30);
    const ends = { from: address, to: participant, fromPort: 10_000 + 2 * i, toPort: 16_384 + ((i * 14) % 8000) };
    const hangUp = (overMs: Milliseconds): void => edge.talk(say.BYE, overMs, participant, address, 5060, 5060, 30);
    edge.begin(new Call(edge.writer, ends, CONFERENCE.endMs, hangUp), timeMs + 3200);
  }
}

/** Hundreds listen, some of them see who speaks. */
function teach(edge: Edge): void {
  const address = tenantAddress(TEACHING);
  for (let i = 0; i < LISTENERS; i++) {
    const listener = outsideAddress(HOSTS.participants.first + 400 + i);
    const timeMs = WEBINAR.startMs + (i / LISTENERS) * 2 * MINUTE;
    const ends = { from: address, to: listener, fromPort: 10_000 + 2 * i, toPort: 16_384 + ((i * 14) % 8000) };
    const { writer } = edge;
    const overTls = edge.random.ephemeralPort();
    edge.talk(say.request(3000), timeMs, listener, address, overTls, 443, 30);
    edge.begin(new Call(writer, ends, WEBINAR.endMs, () => undefined, 'first'), timeMs + 300);
    if (i >= VIDEO_VIEWERS) continue;
    const seen = { ...ends, fromPort: ends.fromPort + 1000, toPort: ends.toPort + 8000 };
    const video = {
      protocol: UDP,
      rateBpsAt: () => 1.2e6,
      endMs: WEBINAR.endMs,
      packetsPerAcknowledgement: 100,
    } as const;
    edge.begin(new Stream(writer, seen, video), timeMs + 300);
  }
}

function save(edge: Edge, address: number, span: Span, rateBps: number): void {
  const ends = { from: address, to: edge.host('backups'), fromPort: edge.random.ephemeralPort(), toPort: 873 };
  transfer(edge, ends, span, () => rateBps);
}

function transfer(edge: Edge, ends: StreamEnds, { startMs, endMs }: Span, rateBpsAt: Transfer['rateBpsAt']): void {
  if (endMs <= edge.startMs) return;
  const stream = new Stream(edge.writer, ends, { protocol: TCP, rateBpsAt, endMs, packetsPerAcknowledgement: 64 });
  edge.begin(stream, Math.max(startMs, edge.startMs));
}

/** Whether the telephones of that tenant are without power. */
export const isDark = (tenant: number, timeMs: Milliseconds): boolean =>
  tenant % 2 === 1 && timeMs >= DARK.startMs && timeMs < DARK.endMs;

/** A telephone starts once there is power again: its configuration by TFTP and HTTPS, registration, and what it subscribes to. */
export function comeBack(
  edge: Edge,
  tenant: number,
  { office, address }: { readonly office: number; readonly address: number },
  port: number,
): void {
  if (tenant % 2 === 0) return;
  const { random } = edge;
  const timeMs = DARK.endMs + random.between(0, 60) * SECOND;
  if (timeMs < edge.startMs) return;
  const [client, server] = [random.ephemeralPort(), random.ephemeralPort()];
  edge.talk(say.unanswered(40), timeMs, office, address, client, 69, 30);
  // Blocks come from a port of their own (RFC 1350).
  for (let block = 0; block < 8; block++)
    edge.talk(say.asked(516, 4), timeMs + 30 + block * 35, address, office, server, client, 30);
  edge.tcp(say.request(12_000), timeMs + 400, office, address, 443);
  // The switchboard is busy: the first is answered late, after it was sent again (RFC 3261, timer E).
  const isLate = random.chance(0.3);
  if (isLate) edge.talk(say.unanswered(600, [0, 500]), timeMs + 1000, office, address, port, 5060, 30);
  edge.talk(say.REGISTER, timeMs + (isLate ? 2500 : 1000), office, address, port, 5060, 30);
  for (let i = 0; i < 3; i++) edge.talk(say.asked(650, 400), timeMs + 4000 + i * 60, office, address, port, 5060, 30);
}
