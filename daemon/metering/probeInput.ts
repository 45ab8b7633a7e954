/** What a capture worker opens for an interface of the configuration. */
import { CAP_DEFAULTS } from '../../probes/cap/capOptions.ts';
import { RING_DEFAULTS } from '../../probes/ring/ringOptions.ts';
import type { InterfaceConfig } from '../config/config.ts';
import type { ProbeInput } from './workerProtocol.ts';

export function probeInput({ name, promiscuous, capture }: InterfaceConfig): ProbeInput {
  if (capture.by === 'cap') {
    const { filter, bufferBytes } = capture;
    return { ...CAP_DEFAULTS, kind: 'cap', interface: name, filter, bufferBytes };
  }
  const { blockSizeBytes: blockBytes, blocks } = capture;
  return { ...RING_DEFAULTS, kind: 'ring', interface: name, promiscuous, blockBytes, blocks };
}
