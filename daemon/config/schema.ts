/** The sections of the configuration file: their keys, units, defaults and bounds. */
import { z } from 'zod';
import { type DetectorConfigs, detectorsSection } from '../detectors/index.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { Config, InterfaceConfig } from './config.ts';
import { checkAll, checkInterface, checkPlan, checkRing, isWritten } from './crossChecks.ts';
import { cidr, httpUrl, interfaceName, loopbackListen, mac } from './network.ts';
import { count, duration, rate, size, textField } from './units.ts';

const MAX_TENANTS = 65_000;
/** TPACKET_V3 takes blocks of whole pages only (net/packet/af_packet.c, packet_set_ring). */
const PAGE_BYTES = 4096;
/** A slower port would not carry one full packet a second. */
const LOWEST_LIMIT_BPS = 16_000;

/** A section may be left out, or be empty because each of its lines is commented out. */
const section = <Section extends z.ZodType>(schema: Section) => z.preprocess((value) => value ?? {}, schema);
const list = <Item extends z.ZodType>(item: Item) => z.preprocess((value) => value ?? [], z.array(item));

const tenantId = () =>
  textField('a name of a-z, 0-9, ".", "_" and "-", at most 63 long (in quotes if it is a number)', (text) =>
    /^[a-z0-9][a-z0-9._-]{0,62}$/.test(text) ? text : null,
  );

/** Also where a part of the value is wrong: one run names every problem. */
const always = { when: ({ value }: z.core.ParsePayload) => isWritten(value) };

/** A port brings what one tenant may send; its ring is memory that cannot be swapped out. */
const RING_BLOCKS = { internet: 64, tenant: 8 } as const;

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
    promiscuous: z.boolean().default(false),
    ring: section(ringSection),
  })
  .superRefine(checkInterface, always)
  .transform(({ tenant = null, ring: { blockSize, blocks }, ...rest }): InterfaceConfig => ({
    ...rest,
    tenant,
    ring: { blockSizeBytes: blockSize, blocks: blocks ?? RING_BLOCKS[rest.faces] },
  }));

const planSection = z
  .strictObject({
    port: rate().optional(),
    guaranteed: z.boolean().default(false),
    threshold: z.strictObject({ rate: rate(), for: duration(1000).default(60_000) }).optional(),
    limit: rate(LOWEST_LIMIT_BPS).optional(),
  })
  .superRefine(checkPlan, always)
  .transform(({ port = null, guaranteed, threshold, limit = null }) => ({
    portBps: port,
    guaranteed,
    threshold: threshold === undefined ? null : { rateBps: threshold.rate, forMs: threshold.for },
    limitBps: limit,
  }));

const tenantSection: z.ZodType<Tenant> = z.strictObject({
  id: tenantId(),
  addresses: z.array(cidr()).min(1),
  macs: list(mac()),
  plan: section(planSection),
});

const enforcementSection = z
  .strictObject({ mode: z.enum(['observe', 'enforce']).default('observe'), hold: duration(1000).default(15 * 60_000) })
  .transform(({ mode, hold }) => ({ mode, holdMs: hold }));

const incidentsSection = z
  .strictObject({ closeAfter: duration(1000).default(30_000), maxOpen: count(1, 100_000).default(1000) })
  .transform(({ closeAfter, maxOpen }) => ({ closeAfterMs: closeAfter, maxOpen }));

const alertmanagerSection = z
  .strictObject({ urls: list(httpUrl()), resend: duration(1000, 3_600_000).default(15_000) })
  .transform(({ urls, resend }) => ({ urls, resendMs: resend }));

/** `detectors` parses the section of that name. */
export const configSchema = (detectors: z.ZodType<DetectorConfigs> = detectorsSection): z.ZodType<Config> =>
  section(
    z
      .strictObject({
        interfaces: list(interfaceSection),
        tenants: z.preprocess((value) => value ?? [], z.array(tenantSection).max(MAX_TENANTS)),
        detectors: section(detectors),
        enforcement: section(enforcementSection),
        incidents: section(incidentsSection),
        status: section(z.strictObject({ listen: loopbackListen().default({ host: '127.0.0.1', port: 9737 }) })),
        alertmanager: section(alertmanagerSection),
        log: section(
          z.strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info') }),
        ),
      })
      .superRefine(checkAll, always),
  );
