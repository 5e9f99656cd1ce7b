import pLimit from 'p-limit';
import { messageOf } from '../pipeline/errors.ts';
import type { ConsumerInvoker } from '../ports/invoker.ts';
import type { Log } from '../ports/log.ts';

/** Consumers as tasks of this process: at most one a partition, and at most so many at once. */
export class InProcessInvoker implements ConsumerInvoker {
  private readonly running = new Map<number, Promise<void>>();
  private readonly limit: ReturnType<typeof pLimit>;
  private readonly consume: (partition: number) => Promise<unknown>;
  private readonly log: Log;

  constructor(consume: (partition: number) => Promise<unknown>, atOnce: number, log: Log) {
    this.consume = consume;
    this.limit = pLimit(atOnce);
    this.log = log;
  }

  async invoke(_pipeline: string, partition: number): Promise<void> {
    if (this.running.has(partition)) return;
    const task = this.limit(() => this.consume(partition)).then(
      () => undefined,
      (error: unknown) => this.log.error(`Partition ${partition}: ${messageOf(error)}`, { error }),
    );
    this.running.set(
      partition,
      task.then(() => void this.running.delete(partition)),
    );
  }

  /** Resolves when every consumer started so far has ended. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running.values());
  }
}
