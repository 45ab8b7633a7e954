/** The everyday traffic of a PBX provider: 60 % voice, 30 % TCP, DNS, and some SIP, echo, ARP and stray IPv6. */
import { outsideAddress, tenantAddress, TENANTS } from './addresses.ts';
import { ACK, FIN_ACK, type FrameBuilder, ICMP, PSH_ACK, SHORTEST, SYN, SYN_ACK, TCP, UDP } from './frameBuilder.ts';
import type { Xorshift64 } from './xorshift64.ts';

const INSIDE_TTL = 64;
const OUTSIDE_TTL = 52;

const CALLS = 2000;
/** 20 ms of G.711 in RTP over UDP. */
const VOICE_LENGTH = 214;
const VOICE_SAMPLES = 160;

const FLOWS = 2000;
const FLOW_PACKETS = 60;
const SERVICE_PORTS = [443, 5061, 80, 22];

const RESOLVERS = [0x01010101, 0x08080808];
const QUESTION = Buffer.from('\x03sip\x08provider\x07example', 'latin1');

interface Flow {
  readonly tenant: number;
  readonly outside: number;
  readonly tenantPort: number;
  readonly outsidePort: number;
  readonly tenantServes: boolean;
  /** Next sequence numbers of the two sides. */
  client: number;
  server: number;
  packets: number;
}

interface Query {
  readonly tenant: number;
  readonly resolver: number;
  readonly id: number;
  readonly port: number;
}

export class Benign {
  readonly #random: Xorshift64;
  readonly #frame: FrameBuilder;
  readonly #flows: Flow[];
  /** Of each call, inbound and outbound. */
  readonly #voiceSequences = new Uint16Array(CALLS * 2);
  #voicePackets = 0;
  #query: Query | null = null;

  constructor(random: Xorshift64, frame: FrameBuilder) {
    this.#random = random;
    this.#frame = frame;
    this.#flows = Array.from({ length: FLOWS }, () => this.#flowUnderWay());
  }

  /** Builds the next frame. */
  next(): void {
    const share = this.#random.below(100);
    if (share < 60) this.#voice();
    else if (share < 90) this.#tcp();
    else if (share < 95) this.#dns();
    else this.#other();
  }

  #ip(tenant: number, outside: number, protocol: number, length: number, outbound: boolean, ttl = OUTSIDE_TTL): void {
    const [source, destination] = outbound ? [tenant, outside] : [outside, tenant];
    this.#frame.ip({ source, destination, protocol, length, ttl: outbound ? INSIDE_TTL : ttl, outbound });
  }

  #voice(): void {
    const stream = this.#voicePackets++ % (CALLS * 2);
    const call = stream >> 1;
    const outbound = (stream & 1) === 1;
    const tenantPort = 10_000 + 32 * Math.floor(call / TENANTS);
    const outsidePort = 20_000 + 2 * call;
    this.#ip(tenantAddress(call % TENANTS), outsideAddress(call % 700), UDP, VOICE_LENGTH, outbound);
    const [from, to] = outbound ? [tenantPort, outsidePort] : [outsidePort, tenantPort];
    this.#frame.udp(from, to, VOICE_LENGTH - 42);
    this.#rtp(0x1000 + stream, this.#voiceSequences[stream]!++);
  }

  #rtp(synchronizationSource: number, sequence: number): void {
    const { bytes, payload: at } = this.#frame;
    bytes[at] = 0x80;
    this.#frame.u16(at + 2, sequence);
    this.#frame.u32(at + 4, sequence * VOICE_SAMPLES);
    this.#frame.u32(at + 8, synchronizationSource);
    for (let i = 12; i < 54; i++) bytes[at + i] = 0xd5 ^ (i * sequence);
  }

  #flowUnderWay(): Flow {
    const flow = this.#newFlow();
    flow.packets = 3 + this.#random.below(FLOW_PACKETS - 4);
    return flow;
  }

  /** The numbers are drawn in the order of the declarations. */
  #newFlow(): Flow {
    const random = this.#random;
    const tenant = tenantAddress(random.below(TENANTS));
    const outside = outsideAddress(1000 + random.below(6000));
    const tenantServes = random.coin();
    const ephemeral = 32_768 + random.below(28_000);
    const service = SERVICE_PORTS[random.below(4)]!;
    const [tenantPort, outsidePort] = tenantServes ? [service, ephemeral] : [ephemeral, service];
    const client = random.next();
    const server = random.next();
    return { tenant, outside, tenantPort, outsidePort, tenantServes, client, server, packets: 0 };
  }

  #tcp(): void {
    const index = this.#random.below(FLOWS);
    const flow = this.#flows[index]!;
    const packet = flow.packets++;
    const fromClient = isFromClient(packet);
    const flags = flagsOf(packet);
    this.#segment(flow, fromClient, flags, flags === PSH_ACK ? this.#segmentLength(fromClient) : SHORTEST);
    if (packet >= FLOW_PACKETS - 1) this.#flows[index] = this.#newFlow();
  }

  #segmentLength(fromClient: boolean): number {
    const size = this.#random.below(12);
    if (size < 4) return SHORTEST + this.#random.below(200);
    if (size < 7) return 576;
    return fromClient ? 300 : 1514;
  }

  #segment(flow: Flow, fromClient: boolean, flags: number, length: number): void {
    const { tenant, outside, tenantPort, outsidePort, tenantServes, client, server } = flow;
    const outbound = fromClient !== tenantServes;
    const [sequence, acknowledged] = fromClient ? [client, server] : [server, client];
    const payload = length === SHORTEST ? 0 : length - 54;
    if (fromClient) flow.client += payload;
    else flow.server += payload;
    this.#ip(tenant, outside, TCP, length, outbound);
    const [from, to] = outbound ? [tenantPort, outsidePort] : [outsidePort, tenantPort];
    this.#frame.tcp(from, to, sequence, flags === SYN ? 0 : acknowledged, flags);
  }

  /** A query, and as the next frame of this kind its answer. */
  #dns(): void {
    const asked = this.#query;
    const { tenant, resolver, id, port } = asked ?? this.#newQuery();
    const length = asked === null ? 81 : 147;
    this.#ip(tenant, resolver, UDP, length, asked === null, 58);
    const [from, to] = asked === null ? [port, 53] : [53, port];
    this.#frame.udp(from, to, length - 42);
    this.#dnsMessage(id, asked !== null);
    this.#query = asked === null ? { tenant, resolver, id, port } : null;
  }

  #newQuery(): Query {
    const random = this.#random;
    const tenant = tenantAddress(random.below(TENANTS));
    const resolver = RESOLVERS[random.below(2)]!;
    const id = random.next() & 0xffff;
    return { tenant, resolver, id, port: 32_768 + random.below(16_384) };
  }

  #dnsMessage(id: number, isAnswer: boolean): void {
    const frame = this.#frame;
    const at = frame.payload;
    frame.u16(at, id);
    frame.u16(at + 2, isAnswer ? 0x8180 : 0x0100);
    frame.u16(at + 4, 1);
    frame.u16(at + 6, isAnswer ? 1 : 0);
    frame.bytes.set(QUESTION, at + 12);
    frame.u16(at + 34, 1);
    frame.u16(at + 36, 1);
  }

  #other(): void {
    const share = this.#random.below(20);
    if (share < 10) this.#echo();
    else if (share < 18) this.#sip();
    else if (share < 19) this.#arp();
    else this.#strayIPv6();
  }

  #echo(): void {
    const random = this.#random;
    const outbound = random.coin();
    const tenant = tenantAddress(random.below(TENANTS));
    this.#ip(tenant, outsideAddress(random.below(700)), ICMP, 98, outbound);
    const identifier = random.next() & 0xff;
    this.#frame.echo(outbound, identifier, random.next());
  }

  #sip(): void {
    const tenant = this.#random.below(TENANTS);
    this.#ip(tenantAddress(tenant), outsideAddress(this.#random.below(700)), UDP, 520, false);
    this.#frame.udp(5060, 5060, 478);
    const method = this.#random.coin() ? 'REGISTER' : 'OPTIONS';
    const text = `${method} sip:t${tenant}.pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP h;`;
    this.#frame.bytes.set(Buffer.from(text.slice(0, 54), 'latin1'), this.#frame.payload);
  }

  /** Who has 10.20.0.1? */
  #arp(): void {
    const frame = this.#frame;
    frame.ethernet(0x0806, true);
    frame.u16(14, 1);
    frame.u16(16, 0x0800);
    frame.bytes.set([6, 4, 0, 1, 2, 0, 0, 0, 0, 1], 18);
    frame.u32(28, tenantAddress(this.#random.below(TENANTS)));
    frame.u32(38, 0x0a140001);
    frame.wireLength = SHORTEST;
  }

  /** 2001:db8::t to 2a00:1::1. */
  #strayIPv6(): void {
    const frame = this.#frame;
    frame.ethernet(0x86dd, true);
    frame.bytes[14] = 0x60;
    frame.u16(18, 180);
    frame.bytes.set([UDP, INSIDE_TTL], 20);
    frame.u32(22, 0x20010db8);
    frame.bytes[37] = this.#random.below(200);
    frame.u32(38, 0x2a000001);
    frame.bytes[53] = 1;
    frame.u16(54, 10_000);
    frame.u16(56, 20_000);
    frame.u16(58, 180);
    frame.u16(60, 1);
    frame.wireLength = 54 + 180;
  }
}

/** By the number of the packet in its flow. */
function isFromClient(packet: number): boolean {
  if (packet < 3) return packet !== 1;
  return packet >= FLOW_PACKETS - 1 || packet % 5 === 3;
}

function flagsOf(packet: number): number {
  if (packet === 0) return SYN;
  if (packet === 1) return SYN_ACK;
  if (packet >= FLOW_PACKETS - 1) return FIN_ACK;
  return packet > 2 && packet % 2 === 1 ? PSH_ACK : ACK;
}
