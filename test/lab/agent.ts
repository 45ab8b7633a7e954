/** What a host of the lab does on request: a process in its namespace that is asked over its IPC channel (labAgent.ts). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { type ShownAlert, startAlertmanager, type TestAlertmanager } from '../support/alertmanager.ts';
import { sendVoice, type VoicePlan, VoiceReceiver, type VoiceReport } from './voice.ts';

export interface AgentRequest {
  readonly id: number;
  readonly method: keyof AgentMethods;
  readonly args: never[];
}

export interface AgentReply {
  readonly id: number;
  /** JSON; absent: nothing to tell. */
  readonly result?: string;
  /** Why it failed. */
  readonly error?: string;
}

/** How soon a daemon answers is asked elsewhere: a machine with other things to do is no failure here. */
const PATIENCE_MS = 10_000;

export type AgentMethods = typeof METHODS;

let alertmanager: TestAlertmanager | undefined;
const receivers = new Map<number, VoiceReceiver>();

/** One alert of a post to a web hook. */
export interface Notification {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly generatorURL: string;
}

const notifications: Notification[] = [];
const hooks = new Set<number>();

async function receiverOf(port: number): Promise<string> {
  if (!hooks.has(port)) {
    hooks.add(port);
    const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const { alerts }: { alerts: Notification[] } = JSON.parse(await text(request));
      notifications.push(...alerts);
      response.end();
    };
    await once(
      createServer((request, response) => void take(request, response)).listen(port, '127.0.0.1'),
      'listening',
    );
  }
  return `http://127.0.0.1:${port}/`;
}

const METHODS = {
  async get(url: string): Promise<{ status: number; body: string }> {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return { status: response.status, body: await response.text() };
  },

  /** `webhook` is the port of a receiver that is told of every change (see notifications), on this host. */
  async startAlertmanager(port: number, webhook?: number): Promise<void> {
    const receiver = webhook === undefined ? {} : { webhook: await receiverOf(webhook) };
    alertmanager = await startAlertmanager({ port, ...receiver });
  },

  /** What the receivers have been told, so far. */
  async notifications(): Promise<readonly Notification[]> {
    return notifications;
  },

  /** Forgets every alert. */
  async stopAlertmanager(): Promise<void> {
    await alertmanager?.stop();
    alertmanager = undefined;
  },

  /** As amtool lists them. */
  async alerts(...matchers: string[]): Promise<ShownAlert[]> {
    assert(alertmanager, 'no Alertmanager was started');
    return alertmanager.alerts(...matchers);
  },

  sendVoice: (plan: VoicePlan): Promise<number> => sendVoice(plan),

  async receiveVoice(port: number): Promise<void> {
    const receiver = new VoiceReceiver();
    await receiver.listen(port);
    receivers.set(port, receiver);
  },

  /** `sent`: how many packets to wait for. */
  async closeVoice(port: number, sent: number): Promise<VoiceReport> {
    const receiver = receivers.get(port);
    assert(receiver, `no voice is received on port ${port}`);
    receivers.delete(port);
    return receiver.close(sent);
  },
};

async function answer({ id, method, args }: AgentRequest): Promise<AgentReply> {
  try {
    const act: (...words: never[]) => Promise<unknown> = METHODS[method];
    return { id, result: JSON.stringify(await act(...args)) };
  } catch (error) {
    return { id, error: inspect(error) };
  }
}

process.on('message', (request: AgentRequest) => void answer(request).then((reply) => process.send?.(reply)));
process.once('disconnect', () => void METHODS.stopAlertmanager().then(() => process.exit()));
// Ctrl-C is for whoever made the lab.
process.on('SIGINT', () => {});
