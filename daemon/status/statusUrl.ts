/** Where the status endpoint is, for links and for who asks it. */
import { isIPv6 } from 'node:net';
import type { Config } from '../config/config.ts';

/** Without a slash at its end. */
export const statusUrl = ({ host, port }: Config['status']['listen']): string =>
  `http://${isIPv6(host) ? `[${host}]` : host}:${port}`;
