import type { Sink } from '../ports/sink.ts';

interface Held {
  readonly sink: Promise<Sink>;
  users: number;
}

/**
 * The sink of a process that lives longer than an invocation, for work that may go on side by side. Each piece of work
 * keeps the sink that it began with, and so its endpoint; after one that failed the next begins with a new one.
 */
export class SharedSink {
  private readonly open: () => Promise<Sink>;
  private current: Held | undefined;

  constructor(open: () => Promise<Sink>) {
    this.open = open;
  }

  /** @throws what `work` throws, or opening a sink */
  async use<Result>(work: (sink: Sink) => Promise<Result>): Promise<Result> {
    const held: Held = this.current ?? { sink: this.open(), users: 0 };
    this.current = held;
    held.users += 1;
    try {
      return await work(await held.sink);
    } catch (error) {
      if (this.current === held) this.current = undefined;
      throw error;
    } finally {
      held.users -= 1;
      if (held.users === 0 && this.current !== held) await closed(held.sink);
    }
  }

  /** What is still used is closed by its last user. */
  async close(): Promise<void> {
    const held = this.current;
    this.current = undefined;
    if (held?.users === 0) await closed(held.sink);
  }
}

/** One that could not be opened needs no closing. */
async function closed(opened: Promise<Sink>): Promise<void> {
  const sink = await opened.catch(() => undefined);
  await sink?.close();
}
