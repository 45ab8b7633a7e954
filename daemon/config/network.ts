/** What the configuration says about networks, as zod types: addresses, interfaces, where to listen and what to call. */
import { z } from 'zod';
import { formatPrefix, networkOf, parseAddress, parsePrefix, type Prefix } from '../tenants/prefix.ts';
import type { SocketAddress } from './config.ts';
import { textField } from './units.ts';

/** `198.51.100.8/29` or a bare address → canonical text. */
export const cidr = () =>
  textField('a CIDR block such as 198.51.100.8/29', parsePrefix, refuseHostBits).transform(formatPrefix);

function refuseHostBits(prefix: Prefix): string | null {
  const network = formatPrefix(networkOf(prefix));
  const text = formatPrefix(prefix);
  return text === network ? null : `${text} has host bits set: did you mean ${network}?`;
}

const parseTenantId = (text: string): string | null => (/^[a-z0-9][a-z0-9._-]{0,62}$/.test(text) ? text : null);

export const tenantId = () =>
  textField('a name of a-z, 0-9, ".", "_" and "-", at most 63 long (in quotes if it is a number)', parseTenantId);

const MAX_ALLOWED = 1000;

/** `allow` of a detector: CIDR blocks in canonical text, which has a slash, and ids of tenants. */
export const allowField = z
  .preprocess(
    (value) => value ?? [],
    z
      .array(
        textField(
          'a CIDR block such as 198.51.100.8/29 or the id of a tenant',
          (text) => parsePrefix(text) ?? parseTenantId(text),
          (parsed) => (typeof parsed === 'string' ? null : refuseHostBits(parsed)),
        ).transform((parsed) => (typeof parsed === 'string' ? parsed : formatPrefix(parsed))),
      )
      .max(MAX_ALLOWED),
  )
  .prefault([]);

/** Lower-case, colon-separated. */
export const mac = () =>
  textField('a MAC address such as 02:00:5e:10:00:08', (text) =>
    /^[\da-f]{2}(?:([:-])[\da-f]{2})(?:\1[\da-f]{2}){4}$/i.test(text) ? text.toLowerCase().replaceAll('-', ':') : null,
  );

/** As the kernel takes it (net/core/dev.c, dev_valid_name): 15 bytes, no slash, colon or white space. */
export const interfaceName = () =>
  textField('an interface name of at most 15 characters such as eth0', (text) =>
    /^[^\s/:]+$/.test(text) && text !== '.' && text !== '..' && Buffer.byteLength(text) <= 15 ? text : null,
  );

/** `0.0.0.0:2055` or `[2001:db8::1]:2055`. */
export const listen = () =>
  textField('an address and port such as 127.0.0.1:2055 or [::]:2055', parseSocketAddress, ({ port }) =>
    port === 0 ? 'must name a port from 1 to 65535' : null,
  );

/** In the language of pcap-filter(7), which libpcap checks when it starts; C's strings end at a NUL. */
export const captureFilter = () =>
  textField('a filter of pcap-filter(7), of at most 1024 characters in one line', (text) =>
    /^[^\p{Cc}]{1,1024}$/u.test(text) && text.trim() !== '' ? text : null,
  );

/** `127.0.0.1:9737` or `[::1]:9737`. */
export const loopbackListen = () =>
  textField('an address and port such as 127.0.0.1:9737 or [::1]:9737', parseSocketAddress, ({ host }) =>
    isLoopback(host) ? null : `must be on loopback (127.0.0.1 or [::1]), for it asks for no password, got ${host}`,
  );

function parseSocketAddress(text: string): SocketAddress | null {
  const [, ipv6, ipv4, digits] = /^(?:\[([^\]]+)\]|([\d.]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = ipv6 ?? ipv4 ?? '';
  const port = Number(digits);
  const family = ipv6 === undefined ? host.includes('.') : host.includes(':');
  return family && port <= 65_535 && parseAddress(host) !== null ? { host, port } : null;
}

/** RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3. */
function isLoopback(host: string): boolean {
  const [w0, w1, w2, w3] = parseAddress(host) ?? [0, 0, 0, 0];
  return w0 === 0 && w1 === 0 && (w2 === 0xffff ? w3 >>> 24 === 127 : w2 === 0 && w3 === 1);
}

/** Without a slash at its end. */
export const httpUrl = () =>
  textField('a URL such as http://127.0.0.1:9093', (text) => {
    const url = URL.parse(text);
    const isBase = url !== null && /^https?:$/.test(url.protocol) && url.search + url.hash === '';
    return isBase && url.username + url.password === '' ? url.href.replace(/\/+$/, '') : null;
  });
