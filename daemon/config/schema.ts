/** The sections of the configuration file: their keys, units, defaults and bounds. */
import { z } from 'zod';
import { DAY_MS } from '../calendar.ts';
import { type DetectorConfigs, detectorsSection } from '../detectors/index.ts';
import type { ExporterConfig } from '../metering/collectorProtocol.ts';
import { DEFAULT_STORE_PATH } from '../store/storePath.ts';
import type { BandwidthThreshold, Tenant } from '../tenants/tenant.ts';
import type { CollectorConfig, Config, InterfaceConfig } from './config.ts';
import {
  checkAll,
  checkCollector,
  checkInterface,
  checkPlan,
  checkRing,
  checkThreshold,
  isWritten,
} from './crossChecks.ts';
import { captureFilter, cidr, httpUrl, interfaceName, listen, loopbackListen, mac, tenantId } from './network.ts';
import { count, duration, filePath, filePathOrNone, packetRate, rate, size } from './units.ts';
import { workloadSection } from './workload.ts';

const MAX_TENANTS = 65_000;
/** Each is looked at for every packet of a limited interface, one after the other. */
const MAX_EXEMPT = 64;
/** TPACKET_V3 takes blocks of whole pages only (net/packet/af_packet.c, packet_set_ring). */
const PAGE_BYTES = 4096;
/** A slower port would not carry one full packet a second. */
const LOWEST_LIMIT_BPS = 16_000;

/** A section may be left out, or be empty because each of its lines is commented out. */
const section = <Section extends z.ZodType>(schema: Section) => z.preprocess((value) => value ?? {}, schema);
const list = <Item extends z.ZodType>(item: Item) => z.preprocess((value) => value ?? [], z.array(item));

/** Also where a part of the value is wrong: one run names every problem. */
const always = { when: ({ value }: z.core.ParsePayload) => isWritten(value) };

/** A port brings what one tenant may send; its ring is memory that cannot be swapped out. */
const RING_BLOCKS = { internet: 64, tenant: 8 } as const;
const BUFFER_BYTES = { internet: 2 ** 26, tenant: 2 ** 24 } as const;

const ringSection = z
  .strictObject({
    blockSize: size(PAGE_BYTES, 2 ** 24, PAGE_BYTES).default(2 ** 20),
    blocks: count(2, 4096).optional(),
  })
  .superRefine(checkRing, always);

const interfaceSection = z
  .strictObject({
    name: interfaceName(),
    faces: z.enum(['internet', 'tenant']).default('internet'),
    tenant: tenantId().optional(),
    promiscuous: z.boolean().optional(),
    capture: z.enum(['ring', 'cap']).default('ring'),
    ring: z.preprocess((value) => value ?? undefined, ringSection.optional()),
    filter: captureFilter().optional(),
    buffer: size(2 ** 20, 2 ** 29).optional(),
  })
  .superRefine(checkInterface, always)
  .transform((written): InterfaceConfig => {
    const { name, faces, tenant = null, capture, ring = ringSection.parse({}) } = written;
    const { promiscuous = capture === 'cap', filter = '', buffer = BUFFER_BYTES[faces] } = written;
    const { blockSize, blocks = RING_BLOCKS[faces] } = ring;
    return {
      name,
      faces,
      tenant,
      promiscuous,
      capture:
        capture === 'ring'
          ? { by: capture, blockSizeBytes: blockSize, blocks }
          : { by: capture, filter, bufferBytes: buffer },
    };
  });

const thresholdSection = z
  .strictObject({ rate: rate().optional(), packets: packetRate().optional(), for: duration(1000).default(60_000) })
  .superRefine(checkThreshold, always)
  .transform(({ rate: rateBps = null, packets = null, for: forMs }): BandwidthThreshold => ({
    rateBps,
    packetsPerSecond: packets,
    forMs,
  }));

const planSection = z
  .strictObject({
    port: rate().optional(),
    guaranteed: z.boolean().default(false),
    threshold: thresholdSection.optional(),
    limit: rate(LOWEST_LIMIT_BPS).optional(),
  })
  .superRefine(checkPlan, always)
  .transform(({ port = null, guaranteed, threshold = null, limit = null }) => ({
    portBps: port,
    guaranteed,
    threshold,
    limitBps: limit,
  }));

const tenantSection = z.strictObject({
  id: tenantId(),
  addresses: z.array(cidr()).min(1),
  macs: list(mac()),
  plan: section(planSection),
  enforcement: z.enum(['observe', 'enforce']).default('enforce'),
  workload: workloadSection.nullish(),
});

const hostSection = z
  .strictObject({ every: duration(1000, 300_000).default(5000) })
  .transform(({ every }) => ({ everyMs: every }));

/** An exporter samples one packet in at most so many: the field of IPFIX has 32 bits, no router goes near it. */
const MAX_SAMPLING = 10_000_000;

/** A block alone, or with what is known of its exporters. */
const exporterSection = z.preprocess(
  (value) => (typeof value === 'string' ? { address: value } : value),
  z
    .strictObject({ address: cidr(), sampling: count(1, MAX_SAMPLING).optional() })
    .transform(({ address, sampling = null }): ExporterConfig => ({ prefix: address, sampling })),
);

const MAX_LISTENERS = 16;
const MAX_EXPORTERS = 1000;

const collectorSection = z
  .strictObject({
    listen: z.preprocess((value) => value ?? ['127.0.0.1:2055'], z.array(listen()).max(MAX_LISTENERS)),
    tcp: z.preprocess((value) => value ?? [], z.array(listen()).max(MAX_LISTENERS)),
    exporters: z.array(exporterSection).min(1).max(MAX_EXPORTERS),
    activeTimeout: duration(1000, 3_600_000).default(60_000),
    receiveBuffer: size(65_536, 2 ** 30).default(2 ** 24),
    templates: filePath('/var/lib/weir/templates.json').default('/var/lib/weir/templates.json'),
  })
  .superRefine(checkCollector, always)
  .transform(({ activeTimeout, receiveBuffer, ...rest }): CollectorConfig => ({
    ...rest,
    activeTimeoutMs: activeTimeout,
    receiveBufferBytes: receiveBuffer,
  }));

const exemptSection = z.strictObject({
  tenants: list(tenantId()),
  prefixes: list(cidr()).pipe(z.array(z.string()).max(MAX_EXEMPT)),
});

const enforcementSection = z
  .strictObject({
    mode: z.enum(['observe', 'enforce']).default('observe'),
    hold: duration(1000).default(15 * 60_000),
    maxHold: duration(1000).default(4 * 3_600_000),
    forgetAfter: duration(1000).default(24 * 3_600_000),
    grace: duration(1000).default(30 * 60_000),
    limitsPerMinute: count(1, MAX_TENANTS).default(30),
    voiceFloor: rate().default(900_000),
    exempt: section(exemptSection),
  })
  .transform(({ mode, hold, maxHold, forgetAfter, grace, limitsPerMinute, voiceFloor, exempt }) => ({
    mode,
    holdMs: hold,
    maxHoldMs: Math.max(maxHold, hold),
    forgetAfterMs: forgetAfter,
    graceMs: grace,
    limitsPerMinute,
    voiceFloorBps: voiceFloor,
    exempt,
  }));

const incidentsSection = z
  .strictObject({ closeAfter: duration(1000).default(30_000), maxOpen: count(1, 100_000).default(1000) })
  .transform(({ closeAfter, maxOpen }) => ({ closeAfterMs: closeAfter, maxOpen }));

const storeSection = z
  .strictObject({
    path: filePathOrNone(DEFAULT_STORE_PATH).default(DEFAULT_STORE_PATH),
    keep: duration(7 * DAY_MS).default(90 * DAY_MS),
  })
  .transform(({ path, keep }) => ({ path, keepMs: keep }));

/** Where systemd's RuntimeDirectory= is, or would be (systemd.exec(5)). */
export const runtimeDirectory = (): string => process.env['RUNTIME_DIRECTORY'] ?? '/run/weir';

const statusSection = z.strictObject({
  listen: loopbackListen().default({ host: '127.0.0.1', port: 9737 }),
  socket: filePath('/run/weir/weir.sock').default(() => `${runtimeDirectory()}/weir.sock`),
});

const alertmanagerSection = z
  .strictObject({ urls: list(httpUrl()), resend: duration(1000, 3_600_000).default(15_000) })
  .transform(({ urls, resend }) => ({ urls, resendMs: resend }));

/** `detectors` parses the section of that name. */
export const configSchema = (detectors: z.ZodType<DetectorConfigs> = detectorsSection): z.ZodType<Config> =>
  section(
    z
      .strictObject({
        interfaces: z.array(interfaceSection).nullish(),
        collector: collectorSection.nullish(),
        tenants: z.preprocess((value) => value ?? [], z.array(tenantSection).max(MAX_TENANTS)),
        host: section(hostSection),
        detectors: section(detectors),
        enforcement: section(enforcementSection),
        incidents: section(incidentsSection),
        status: section(statusSection),
        alertmanager: section(alertmanagerSection),
        store: section(storeSection),
        log: section(
          z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info') }),
        ),
      })
      .superRefine(checkAll, always)
      .transform(({ interfaces, tenants, collector = null, enforcement, ...rest }): Config => ({
        interfaces: interfaces ?? [],
        // An empty list says that there shall be none, where flow exporters are listened to.
        defaultInterface: (interfaces?.length ?? 0) === 0 && !(interfaces && collector !== null),
        collector,
        tenants: tenants.map(({ id, addresses, macs, plan }): Tenant => ({ id, addresses, macs, plan })),
        enforcement: {
          ...enforcement,
          observedTenants: tenants.flatMap((tenant) => (tenant.enforcement === 'observe' ? [tenant.id] : [])),
        },
        workloads: tenants.flatMap(({ id, workload }) => (workload ? [{ tenant: id, workload }] : [])),
        ...rest,
      })),
  );
