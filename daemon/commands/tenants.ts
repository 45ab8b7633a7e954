/** `weir tenants`: asks the running daemon for its tenants. */
import { renderTenants } from '../status/renderTenants.ts';
import type { TenantStatus } from '../status/snapshot.ts';
import { askForAll, type AskOptions } from './askStatus.ts';
import { loadOr, print } from './terminal.ts';

export interface TenantsOptions extends AskOptions {
  readonly sort: string;
}

/** 0: shown; 1: no daemon answers there. */
export async function tenants({ config: path, json, sort }: TenantsOptions): Promise<number> {
  const config = await loadOr(path);
  const all = config === null ? null : await askForAll<TenantStatus>(config, '/api/tenants', { sort });
  if (all === null) return 1;
  print(json ? JSON.stringify(all.items) : renderTenants(all.items).join('\n'));
  return 0;
}
