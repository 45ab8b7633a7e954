/**
 * The edge of a provider with 200 tenants in everyday use, from seeds: calls, telephones and trunks that register, web, mail, DNS, NTP,
 * backups, downloads, and what is hard on a detector: resolvers, a mesh of peers, monitoring of hundreds of hosts, a checker of
 * all tenants. Nothing in it is to be named. Rates are not thinned; super-packets stand for what GRO would join.
 */
import type { Milliseconds } from '../../../probes/probe.ts';
import { outsideAddress, tenantAddress, TENANTS } from '../../bench/workload/addresses.ts';
import type { Activity, Agenda } from './agenda.ts';
import { activityAt } from './dayCurve.ts';
import * as say from './exchange.ts';
import { ECHO_REPLY, ECHO_REQUEST, type FrameWriter, TCP, UDP } from './frameWriter.ts';
import { Random } from './random.ts';
import { Call, Stream } from './streams.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Blocks of `outsideAddress`' hosts. */
const HOSTS = {
  carriers: { first: 0, count: 90 },
  offices: { first: 100, count: 2 * TENANTS },
  web: { first: 1000, count: 4000 },
  mail: { first: 6000, count: 300 },
  nameServers: { first: 7000, count: 500 },
  backups: { first: 8000, count: 10 },
  clocks: { first: 8100, count: 8 },
  peers: { first: 9000, count: 20_000 },
  monitored: { first: 40_000, count: 900 },
  checker: { first: 50_000, count: 1 },
} as const;

const RESOLVERS = [0x01010101, 0x08080808];

const PAGES = [600, 1400, 3000, 12_000, 40_000].map((bytes) => say.request(bytes));
const PEER_DATAGRAMS = [say.asked(100, 300), say.asked(100, 300), say.unanswered(100), say.unreachable(100)];
const PEER_CONNECTIONS = [say.request(60_000), say.request(16_000), say.UNANSWERED, say.REFUSED];

interface TenantLife {
  readonly address: number;
  readonly phones: number;
  readonly trunks: readonly number[];
  readonly office: number;
}

/** Some do what others do not, by the tenant's number. */
const RESOLVING = new Set([11, 12, 13]);
const MESHED = new Set([21, 22]);
const MONITORING = new Set([31, 32, 33]);
const WHOLESALE = new Set([41]);

export interface OfficeOptions {
  readonly seed: number;
  readonly startMs: Milliseconds;
  readonly endMs: Milliseconds;
}

export class Office {
  readonly #writer: FrameWriter;
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #startMs: Milliseconds;
  readonly #endMs: Milliseconds;

  constructor(writer: FrameWriter, agenda: Agenda, { seed, startMs, endMs }: OfficeOptions) {
    this.#writer = writer;
    this.#agenda = agenda;
    this.#random = new Random(seed);
    this.#startMs = startMs;
    this.#endMs = endMs;
  }

  /** Puts everything that begins it into the agenda. */
  open(): void {
    for (let tenant = 0; tenant < TENANTS; tenant++) this.#settle(tenant);
    this.#every(MINUTE, (timeMs) => this.#checkAll(timeMs));
  }

  #settle(tenant: number): void {
    const random = this.#random;
    const phones = 4 + random.below(12);
    const trunks = Array.from({ length: WHOLESALE.has(tenant) ? 60 : 1 + random.below(4) }, (_, i) =>
      outsideAddress(HOSTS.carriers.first + ((tenant * 7 + i) % HOSTS.carriers.count)),
    );
    const office = outsideAddress(HOSTS.offices.first + tenant);
    const life: TenantLife = { address: tenantAddress(tenant), phones, trunks, office };
    this.#telephony(life);
    this.#work(life);
    this.#night(life, tenant);
    if (RESOLVING.has(tenant)) this.#often(30, (timeMs) => this.#resolve(life.address, timeMs));
    if (MESHED.has(tenant)) this.#always(5, (timeMs) => this.#meet(life.address, timeMs));
    if (MONITORING.has(tenant)) this.#monitor(life.address, tenant);
  }

  // Calls and registrations.

  #telephony(life: TenantLife): void {
    const random = this.#random;
    for (let phone = 0; phone < life.phones; phone++) {
      const isGone = random.chance(0.04);
      const port = 5060 + phone;
      this.#every(5 * MINUTE, (timeMs) => {
        if (!isGone) this.#talk(say.REGISTER, timeMs, life.office, life.address, port, 5060, 30);
      });
      this.#every(2 * MINUTE, (timeMs) => {
        this.#talk(
          isGone ? say.SIP_UNANSWERED : say.asked(420, 380),
          timeMs,
          life.address,
          life.office,
          5060,
          port,
          30,
        );
      });
    }
    for (const trunk of life.trunks) {
      const isGone = random.chance(0.1);
      this.#every(MINUTE, (timeMs) => {
        this.#talk(isGone ? say.SIP_UNANSWERED : say.REGISTER, timeMs, life.address, trunk, 5060, 5060, 20);
      });
    }
    this.#often(life.phones / (30 * 60), (timeMs) => this.#call(life, timeMs));
  }

  #call({ address, office, trunks }: TenantLife, timeMs: Milliseconds): void {
    const random = this.#random;
    const other = random.chance(0.5) ? random.pick(trunks) : office;
    const [client, server] = random.chance(0.5) ? [address, other] : [other, address];
    this.#talk(say.INVITE, timeMs, client, server, 5060, 5060, 25);
    const isAnswered = random.chance(0.7);
    if (!isAnswered) return;
    const startMs = timeMs + 3100;
    const ends = {
      from: address,
      to: other,
      fromPort: 10_000 + 2 * random.below(5000),
      toPort: 16_384 + 2 * random.below(8000),
    };
    const endMs = startMs + 5 * SECOND + random.wait(120 * SECOND);
    const hangUp = (overMs: Milliseconds): void => this.#talk(say.BYE, overMs, client, server, 5060, 5060, 25);
    this.#begin(new Call(this.#writer, ends, endMs, hangUp), startMs);
  }

  // Office hours.

  #work({ address, phones, office }: TenantLife): void {
    const random = this.#random;
    this.#often((phones * 8) / 3600, (timeMs) => this.#page(address, timeMs));
    this.#often(phones / 1800, (timeMs) => this.#tcp(say.request(2000), timeMs, office, address, 443));
    this.#often(1 / 120, (timeMs) => this.#mail(address, timeMs));
    this.#often(1 / 3600, (timeMs) => this.#download(address, timeMs));
    this.#every((64 << random.below(5)) * SECOND, (timeMs) => {
      for (let i = 0; i < 4; i++)
        this.#talk(say.asked(48, 48), timeMs + i * 50, address, this.#host('clocks'), 123, 123, 15);
    });
  }

  /** Names are asked for, then some hosts for several things each. */
  #page(address: number, timeMs: Milliseconds): void {
    const random = this.#random;
    const hosts = 2 + random.below(9);
    for (let i = 0; i < hosts; i++) {
      const startMs = timeMs + random.between(0, 1500);
      this.#talk(say.asked(45, 140), startMs, address, random.pick(RESOLVERS), random.ephemeralPort(), 53, 12);
      const server = this.#host('web');
      const connections = 1 + random.below(3);
      for (let j = 0; j < connections; j++) this.#tcp(this.#webScript(), startMs + 30 + j * 20, address, server, 443);
    }
  }

  #webScript(): say.Script {
    const random = this.#random;
    const luck = random.share();
    if (luck < 0.01) return say.REFUSED;
    if (luck < 0.025) return say.UNANSWERED;
    if (luck < 0.1) return say.REQUEST_THEN_RESET;
    return random.pick(PAGES);
  }

  #mail(address: number, timeMs: Milliseconds): void {
    this.#talk(say.asked(60, 160), timeMs, address, RESOLVERS[0]!, this.#random.ephemeralPort(), 53, 12);
    this.#tcp(this.#random.chance(0.03) ? say.UNANSWERED : say.MAIL, timeMs + 40, address, this.#host('mail'), 25);
  }

  /** By TCP or QUIC, at most half a minute. */
  #download(address: number, timeMs: Milliseconds): void {
    const random = this.#random;
    const rateBps = random.between(2e6, 60e6);
    const isQuic = random.chance(0.5);
    const endMs = timeMs + random.between(3, 30) * SECOND;
    const ends = { from: this.#host('web'), to: address, fromPort: 443, toPort: random.ephemeralPort() };
    const protocol = isQuic ? UDP : TCP;
    const transfer = { protocol, rateBpsAt: () => rateBps, endMs, packetsPerAcknowledgement: isQuic ? 8 : 4 } as const;
    this.#begin(new Stream(this.#writer, ends, transfer), timeMs);
  }

  // At night.

  /** Every other tenant saves its data, for one to two hours, some time after ten. */
  #night({ address }: TenantLife, tenant: number): void {
    const random = this.#random;
    if (tenant % 2 === 1) return;
    const fromMs = random.between(22, 27) * HOUR;
    const forMs = random.between(1, 2) * HOUR;
    const rateBps = random.between(5e6, 15e6);
    const firstDay = Math.floor(this.#startMs / DAY) - 1;
    for (let day = firstDay; day * DAY < this.#endMs; day++) {
      const startMs = Math.max(day * DAY + fromMs, this.#startMs);
      const endMs = day * DAY + fromMs + forMs;
      if (endMs <= this.#startMs) continue;
      const ends = { from: address, to: this.#host('backups'), fromPort: random.ephemeralPort(), toPort: 873 };
      const transfer = { protocol: TCP, rateBpsAt: () => rateBps, endMs, packetsPerAcknowledgement: 64 } as const;
      this.#begin(new Stream(this.#writer, ends, transfer), startMs);
    }
  }

  // What is hard.

  /** A resolver asks those who know; a few do not answer. */
  #resolve(address: number, timeMs: Milliseconds): void {
    const script = this.#random.chance(0.03) ? say.unanswered(60) : say.asked(60, 200);
    this.#talk(script, timeMs, address, this.#host('nameServers'), this.#random.ephemeralPort(), 53, 40);
  }

  /** Half of the peers that one has heard of are gone. */
  #meet(address: number, timeMs: Milliseconds): void {
    const random = this.#random;
    const peer = this.#host('peers');
    const port = 1024 + ((peer * 31) % 60_000);
    const isInbound = random.chance(0.3);
    if (isInbound) return this.#tcp(say.request(30_000), timeMs, peer, address, 51_413);
    if (random.chance(0.6)) return this.#talk(random.pick(PEER_DATAGRAMS), timeMs, address, peer, 51_413, port, 60);
    return this.#tcp(random.pick(PEER_CONNECTIONS), timeMs, address, peer, port);
  }

  /** Three hundred hosts, each minute: a ping, a connection, and SNMP. A few are down. */
  #monitor(address: number, tenant: number): void {
    for (let i = 0; i < 300; i++) {
      const host = outsideAddress(HOSTS.monitored.first + (tenant % 3) * 300 + i);
      const isDown = this.#random.chance(0.02);
      this.#every(MINUTE, (timeMs) => {
        const pinged = say.ping(ECHO_REQUEST, ECHO_REPLY);
        this.#talk(isDown ? pinged.slice(0, 1) : pinged, timeMs, address, host, 0, 0, 25);
        this.#tcp(isDown ? say.UNANSWERED : say.CHECK, timeMs + 100, address, host, 443);
        this.#talk(
          isDown ? say.unanswered(90, [0, 1000]) : say.asked(90, 120),
          timeMs + 200,
          address,
          host,
          this.#random.ephemeralPort(),
          161,
          25,
        );
      });
    }
  }

  /** Somebody outside looks after all tenants' web servers, which are there. */
  #checkAll(timeMs: Milliseconds): void {
    const checker = outsideAddress(HOSTS.checker.first);
    for (let tenant = 0; tenant < TENANTS; tenant++)
      this.#tcp(say.CHECK, timeMs + tenant * 250, checker, tenantAddress(tenant), 443);
  }

  // How it is said.

  #host(kind: keyof typeof HOSTS): number {
    const { first, count } = HOSTS[kind];
    return outsideAddress(first + this.#random.below(count));
  }

  #tcp(script: say.Script, timeMs: Milliseconds, client: number, server: number, port: number): void {
    this.#talk(script, timeMs, client, server, this.#random.ephemeralPort(), port, this.#random.between(8, 120));
  }

  #talk(
    script: say.Script,
    timeMs: Milliseconds,
    client: number,
    server: number,
    clientPort: number,
    serverPort: number,
    roundTripMs: number,
  ): void {
    const exchange = new say.Exchange(this.#writer, script, timeMs, {
      client,
      server,
      clientPort,
      serverPort,
      roundTripMs,
    });
    this.#begin(exchange, exchange.firstMs);
  }

  #begin(activity: Activity, timeMs: Milliseconds): void {
    if (timeMs < this.#endMs) this.#agenda.add(activity, timeMs);
  }

  /** At the same pace day and night, each at its own second. */
  #every(periodMs: number, act: (timeMs: Milliseconds) => void): void {
    const step = (timeMs: Milliseconds): Milliseconds => {
      act(timeMs);
      return timeMs + periodMs;
    };
    this.#begin({ step }, this.#startMs + this.#random.share() * periodMs);
  }

  #always(perSecond: number, act: (timeMs: Milliseconds) => void): void {
    this.#drawn(perSecond, () => 1, act);
  }

  /** So often in the busiest hour. */
  #often(perSecond: number, act: (timeMs: Milliseconds) => void): void {
    this.#drawn(perSecond, activityAt, act);
  }

  #drawn(perSecond: number, busyAt: (timeMs: Milliseconds) => number, act: (timeMs: Milliseconds) => void): void {
    const random = this.#random;
    const step = (timeMs: Milliseconds): Milliseconds => {
      // Drawn at the busiest rate, and thinned by the hour (Lewis and Shedler 1979).
      if (random.chance(busyAt(timeMs))) act(timeMs);
      return timeMs + random.wait(SECOND / perSecond);
    };
    this.#begin({ step }, this.#startMs + random.wait(SECOND / perSecond));
  }
}
