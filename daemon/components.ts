/** What starts, in which order; everything is stopped in the reverse one, also when a later part cannot start. */

export interface Component {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export type OnStopFailure = (name: string, error: unknown) => void;

/** Starts each after the one before; gives what stops them all. Rejects, with everything stopped, at the first that cannot. */
export async function startComponents(
  components: readonly Component[],
  onStopFailure: OnStopFailure,
): Promise<() => Promise<void>> {
  const [first, ...later] = components;
  if (first === undefined) return () => Promise.resolve();
  await first.start();
  try {
    const stopLater = await startComponents(later, onStopFailure);
    return async () => {
      await stopLater();
      await stopOne(first, onStopFailure);
    };
  } catch (error) {
    await stopOne(first, onStopFailure);
    throw error;
  }
}

async function stopOne(component: Component, onStopFailure: OnStopFailure): Promise<void> {
  try {
    await component.stop();
  } catch (error) {
    onStopFailure(component.name, error);
  }
}
