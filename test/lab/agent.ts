/** What a host of the lab does on request: a process in its namespace that is asked over its IPC channel (labAgent.ts). */
import assert from 'node:assert/strict';
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

const METHODS = {
  async get(url: string): Promise<{ status: number; body: string }> {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return { status: response.status, body: await response.text() };
  },

  async startAlertmanager(port: number): Promise<void> {
    alertmanager = await startAlertmanager({ port });
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
