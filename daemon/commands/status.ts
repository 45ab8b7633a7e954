/** `weir status`: asks the running daemon what it sees. */
import { renderStatus } from '../status/render.ts';
import { askStatus, type AskOptions } from './askStatus.ts';

/** 0: shown; 1: no daemon answers there. */
export const status = (options: AskOptions): Promise<number> =>
  askStatus('/api/status', options, (json) => renderStatus(JSON.parse(json)));
