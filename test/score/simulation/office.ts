/**
 * A provider with 200 tenants in everyday use, from seeds: calls, telephones and trunks that register, web, mail, DNS, NTP, backups,
 * downloads; with what is hard on a detector (hardTenants.ts), and the days that are not like others (specialDays.ts). Nothing in it is
 * to be named. Rates are not thinned; super-packets stand for what GRO would join.
 */
import type { Milliseconds } from '../../../probes/probe.ts';
import { outsideAddress, tenantAddress, TENANTS } from '../../bench/workload/addresses.ts';
import type { Agenda } from './agenda.ts';
import { DAY, HOUR, MINUTE, SECOND } from './calendar.ts';
import { Edge, HOSTS } from './edge.ts';
import * as say from './exchange.ts';
import { type FrameWriter, TCP, UDP } from './frameWriter.ts';
import { beHard } from './hardTenants.ts';
import { celebrate, comeBack, isDark } from './specialDays.ts';
import { Random } from './random.ts';
import type { Span } from './simulate.ts';
import { Call, Stream } from './streams.ts';

const RESOLVERS = [0x01010101, 0x08080808];

const PAGES = [600, 1400, 3000, 12_000, 40_000].map((bytes) => say.request(bytes));

interface TenantLife {
  readonly address: number;
  readonly phones: number;
  readonly trunks: readonly number[];
  /** Where the telephones are, behind one address. */
  readonly office: number;
}

/** Their trunks go to two thirds of all carriers' hosts. */
const WHOLESALE = new Set([41]);

export interface OfficeOptions extends Span {
  readonly seed: number;
  /** How many; 200 if nobody says otherwise, 1,024 at most. */
  readonly tenants?: number;
}

export class Office {
  readonly #edge: Edge;
  readonly #tenants: number;
  /** Who is there, which is the same whatever the time. */
  readonly #people: Random;

  constructor(writer: FrameWriter, agenda: Agenda, { seed, startMs, endMs, tenants = TENANTS }: OfficeOptions) {
    this.#tenants = tenants;
    this.#people = new Random(seed);
    const whatHappens = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.floor(startMs / MINUTE));
    this.#edge = new Edge(writer, agenda, whatHappens, { startMs, endMs });
  }

  /** Puts everything that begins it into the agenda. */
  open(): void {
    for (let tenant = 0; tenant < this.#tenants; tenant++) this.#settle(tenant);
    beHard(this.#edge, this.#people);
    celebrate(this.#edge);
  }

  #settle(tenant: number): void {
    const random = this.#people;
    const phones = 4 + random.below(12);
    const trunks = Array.from({ length: WHOLESALE.has(tenant) ? 60 : 1 + random.below(4) }, (_, i) =>
      outsideAddress(HOSTS.carriers.first + ((tenant * 7 + i) % HOSTS.carriers.count)),
    );
    const office = outsideAddress(HOSTS.offices.first + tenant);
    const life: TenantLife = { address: tenantAddress(tenant), phones, trunks, office };
    this.#telephony(life, tenant);
    this.#work(life);
    this.#night(life, tenant);
  }

  // Calls and registrations.

  #telephony(life: TenantLife, tenant: number): void {
    const random = this.#people;
    for (let phone = 0; phone < life.phones; phone++) {
      const isGone = random.chance(0.04);
      const isAway = (timeMs: Milliseconds): boolean => isGone || isDark(tenant, timeMs);
      const port = 5060 + phone;
      this.#edge.every(5 * MINUTE, (timeMs) => {
        if (!isAway(timeMs)) this.#edge.talk(say.REGISTER, timeMs, life.office, life.address, port, 5060, 30);
      });
      this.#edge.every(2 * MINUTE, (timeMs) => {
        const script = isAway(timeMs) ? say.SIP_UNANSWERED : say.asked(420, 380);
        this.#edge.talk(script, timeMs, life.address, life.office, 5060, port, 30);
      });
      if (!isGone) comeBack(this.#edge, tenant, life, port);
    }
    for (const trunk of life.trunks) {
      const isGone = random.chance(0.1);
      this.#edge.every(MINUTE, (timeMs) => {
        this.#edge.talk(isGone ? say.SIP_UNANSWERED : say.REGISTER, timeMs, life.address, trunk, 5060, 5060, 20);
      });
    }
    this.#edge.often(life.phones / (30 * 60), (timeMs) => this.#call(life, timeMs));
  }

  #call({ address, office, trunks }: TenantLife, timeMs: Milliseconds): void {
    const random = this.#edge.random;
    const other = random.chance(0.5) ? random.pick(trunks) : office;
    const [client, server] = random.chance(0.5) ? [address, other] : [other, address];
    this.#edge.talk(say.INVITE, timeMs, client, server, 5060, 5060, 25);
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
    const hangUp = (overMs: Milliseconds): void => this.#edge.talk(say.BYE, overMs, client, server, 5060, 5060, 25);
    this.#edge.begin(new Call(this.#edge.writer, ends, endMs, hangUp), startMs);
  }

  // Office hours.

  #work({ address, phones, office }: TenantLife): void {
    this.#edge.often((phones * 8) / 3600, (timeMs) => this.#page(address, timeMs));
    this.#edge.often(phones / 1800, (timeMs) => this.#edge.tcp(say.request(2000), timeMs, office, address, 443));
    this.#edge.often(1 / 120, (timeMs) => this.#mail(address, timeMs));
    this.#edge.often(1 / 3600, (timeMs) => this.#download(address, timeMs));
    this.#edge.every((64 << this.#people.below(5)) * SECOND, (timeMs) => {
      for (let i = 0; i < 4; i++)
        this.#edge.talk(say.asked(48, 48), timeMs + i * 50, address, this.#edge.host('clocks'), 123, 123, 15);
    });
  }

  /** Names are asked for, then some hosts for several things each. */
  #page(address: number, timeMs: Milliseconds): void {
    const random = this.#edge.random;
    const hosts = 2 + random.below(9);
    for (let i = 0; i < hosts; i++) {
      const startMs = timeMs + random.between(0, 1500);
      this.#edge.talk(say.asked(45, 140), startMs, address, random.pick(RESOLVERS), random.ephemeralPort(), 53, 12);
      const server = this.#edge.host('web');
      const connections = 1 + random.below(3);
      for (let j = 0; j < connections; j++)
        this.#edge.tcp(this.#webScript(), startMs + 30 + j * 20, address, server, 443);
    }
  }

  #webScript(): say.Script {
    const random = this.#edge.random;
    const luck = random.share();
    if (luck < 0.01) return say.REFUSED;
    if (luck < 0.025) return say.UNANSWERED;
    if (luck < 0.1) return say.REQUEST_THEN_RESET;
    return random.pick(PAGES);
  }

  #mail(address: number, timeMs: Milliseconds): void {
    this.#edge.talk(say.asked(60, 160), timeMs, address, RESOLVERS[0]!, this.#edge.random.ephemeralPort(), 53, 12);
    this.#edge.tcp(
      this.#edge.random.chance(0.03) ? say.UNANSWERED : say.MAIL,
      timeMs + 40,
      address,
      this.#edge.host('mail'),
      25,
    );
  }

  /** By TCP or QUIC, at most half a minute. */
  #download(address: number, timeMs: Milliseconds): void {
    const random = this.#edge.random;
    const rateBps = random.between(2e6, 60e6);
    const isQuic = random.chance(0.5);
    const endMs = timeMs + random.between(3, 30) * SECOND;
    const ends = { from: this.#edge.host('web'), to: address, fromPort: 443, toPort: random.ephemeralPort() };
    const protocol = isQuic ? UDP : TCP;
    const transfer = { protocol, rateBpsAt: () => rateBps, endMs, packetsPerAcknowledgement: isQuic ? 8 : 4 } as const;
    this.#edge.begin(new Stream(this.#edge.writer, ends, transfer), timeMs);
  }

  // At night.

  /** Every other tenant saves its data, for one to two hours, some time after ten. */
  #night({ address }: TenantLife, tenant: number): void {
    const random = this.#people;
    if (tenant % 2 === 1) return;
    const fromMs = random.between(22, 27) * HOUR;
    const forMs = random.between(1, 2) * HOUR;
    const rateBps = random.between(5e6, 15e6);
    const firstDay = Math.floor(this.#edge.startMs / DAY) - 1;
    for (let day = firstDay; day * DAY < this.#edge.endMs; day++) {
      const startMs = Math.max(day * DAY + fromMs, this.#edge.startMs);
      const endMs = day * DAY + fromMs + forMs;
      if (endMs <= this.#edge.startMs) continue;
      const ends = {
        from: address,
        to: this.#edge.host('backups'),
        fromPort: this.#edge.random.ephemeralPort(),
        toPort: 873,
      };
      const transfer = { protocol: TCP, rateBpsAt: () => rateBps, endMs, packetsPerAcknowledgement: 64 } as const;
      this.#edge.begin(new Stream(this.#edge.writer, ends, transfer), startMs);
    }
  }
}
