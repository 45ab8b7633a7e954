/** Sends the datagrams of a flow exporter to loopback from a process of its own; run as a program it serves requests. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type DatagramReport, sendDatagrams } from '../support/datagramSender.ts';
import { flowDatagrams, type FlowProtocol } from './flowDatagrams.ts';

/** Made before, and sent over and over. */
const DATAGRAMS = 4096;

export interface FlowLoad {
  readonly protocol: FlowProtocol;
  /** Of each datagram. */
  readonly records: number;
  readonly port: number;
}

export interface FlowPace {
  readonly seconds: number;
  /** Datagrams; absent: as fast as possible. */
  readonly perSecond?: number;
}

export class FlowSender {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves once the datagrams are made. */
  static async start(load: FlowLoad): Promise<FlowSender> {
    const child = fork(import.meta.filename, [JSON.stringify(load)]);
    await once(child, 'message');
    return new FlowSender(child);
  }

  /** Resolves when all is sent. */
  async send(pace: FlowPace): Promise<DatagramReport> {
    const { promise, resolve } = Promise.withResolvers<DatagramReport>();
    this.#child.once('message', resolve);
    this.#child.send(pace);
    return promise;
  }

  stop(): void {
    this.#child.disconnect();
  }
}

function serve({ protocol, records, port }: FlowLoad): void {
  const datagrams = flowDatagrams(protocol, DATAGRAMS, records, Date.now());
  process.on('message', (pace: FlowPace) => process.send?.(sendDatagrams({ port, datagrams, ...pace })));
  process.send?.('ready');
}

const [load] = process.argv.slice(2);
if (import.meta.main && load !== undefined) serve(JSON.parse(load));
