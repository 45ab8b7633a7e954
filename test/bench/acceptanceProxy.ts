/** Stands before an Alertmanager, passes posts on, and notes when it accepted which alert. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { machineMs } from './sender.ts';

/** As much of an alert as names it. */
interface PostedAlert {
  readonly labels: { readonly alertname: string; readonly victim?: string };
}

export class AcceptanceProxy {
  readonly #server: Server;
  readonly #alertmanager: string;
  readonly #waiting = new Map<string, (atMs: number) => void>();

  private constructor(alertmanager: string) {
    this.#alertmanager = alertmanager;
    this.#server = createServer((request, response) => void this.#pass(request, response));
  }

  static async start(alertmanager: string): Promise<AcceptanceProxy> {
    const proxy = new AcceptanceProxy(alertmanager);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('Cannot tell the port: not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  /** Resolves with the time (`machineMs`) at which Alertmanager accepted the first alert of this name and victim. */
  accepted(alertname: string, victim: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#waiting.set(`${alertname} ${victim}`, resolve);
    return promise;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(this.#alertmanager + request.url, { method: 'POST', headers, body });
    const atMs = machineMs();
    response.writeHead(answer.status).end(await answer.text());
    if (!answer.ok) return;
    const alerts: PostedAlert[] = JSON.parse(body);
    for (const { labels } of alerts) this.#note(`${labels.alertname} ${labels.victim}`, atMs);
  }

  #note(alert: string, atMs: number): void {
    this.#waiting.get(alert)?.(atMs);
    this.#waiting.delete(alert);
  }
}
