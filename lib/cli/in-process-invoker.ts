import pLimit from 'p-limit';
import { messageOf } from '../pipeline/errors.ts';
import type { ConsumerInvoker } from '../ports/invoker.ts';
import type { Log } from '../ports/log.ts';

/** One turn of a partition's consumer. Answers whether it has more to do; then it lines up again, behind the others. */
export type Turn = (partition: number) => Promise<boolean>;

/** Consumers as tasks of this process: at most one a partition, and at most so many at once. */
export class InProcessInvoker implements ConsumerInvoker {
  private readonly running = new Map<number, Promise<void>>();
  private readonly waiting = new Set<number>();
  private readonly limit: ReturnType<typeof pLimit>;
  private readonly turn: Turn;
  private readonly log: Log;

  /** Turns of consumers that never end by themselves need `atOnce` to be infinite. */
  constructor(turn: Turn, atOnce: number, log: Log) {
    this.turn = turn;
    this.limit = pLimit(atOnce);
    this.log = log;
  }

  async invoke(_pipeline: string, partition: number): Promise<void> {
    if (this.running.has(partition)) return;
    const task = this.work(partition).catch((error: unknown) =>
      this.log.error(`Partition ${partition}: ${messageOf(error)}`, { error }),
    );
    this.running.set(
      partition,
      task.then(() => void this.running.delete(partition)),
    );
  }

  isRunning(partition: number): boolean {
    return this.running.has(partition);
  }

  isWaiting(partition: number): boolean {
    return this.waiting.has(partition);
  }

  /** Resolves when every consumer started so far has ended. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running.values());
  }

  private async work(partition: number): Promise<void> {
    const turn = () => {
      this.waiting.delete(partition);
      return this.turn(partition);
    };
    do this.waiting.add(partition);
    while (await this.limit(turn));
  }
}
