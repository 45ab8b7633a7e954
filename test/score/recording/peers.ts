/** The peers of the mesh: who they are, and where they listen, if they still do. */
import { SIDES } from './stage.ts';

export const PEER_ADDRESSES = Array.from({ length: 80 }, (_, i) => `${SIDES.stranger.block}.${20 + i}`);
/** Half of the ports that peers are said to have. */
export const PEER_TCP_PORTS = [6881, 6882, 6883, 6884];

export const peerPort = (i: number): number => 30_000 + ((i * 7919) % 20_000);
