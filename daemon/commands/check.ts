/** `weir check`: every problem of a configuration, with line and column. */
import { loadOr, print } from './terminal.ts';

/** 0: it can be run; 1: it has problems, which have been printed. */
export async function check(path: string): Promise<number> {
  const config = await loadOr(path);
  if (config === null) return 1;
  print(`${path}: ${config.interfaces.length} interfaces, ${config.tenants.length} tenants, no problems`);
  return 0;
}
