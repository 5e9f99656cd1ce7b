import { isPulsehouseError } from '../pipeline/errors.ts';
import type { ConsumeContext } from './context.ts';

/** Milliseconds between two looks at the cycle's item while entries flow, as few partitions have it. */
const LOOK_EVERY = 250;
/** All consumers look at one item, which answers some 3,000 times a second: the more partitions, the more rarely. */
const LOOK_EVERY_PER_PARTITION = 1;
const LONGEST_PAUSE = 5_000;
/** A look that takes longer than this has failed: entries wait meanwhile. */
const PATIENCE = 1_000;

type Looking = Pick<ConsumeContext, 'pipeline' | 'state' | 'environment' | 'log'>;

/** What the pipeline's cycle item asks of consumers, read at most every so often. */
export class FlushRequests {
  /** Newest checkpoint that asked for a flush. */
  newest: number;
  /** Newest one that the pump has cut a batch for. */
  seen: number;
  paused = false;
  private partitions = 1;
  /** Looks that failed in a row. */
  private failed = 0;
  private nextLook: number;
  private readonly context: Looking;

  /** What was asked for before we began is met by the first batch, or by finding nothing: it cuts none of its own. */
  constructor(context: Looking, newest: number) {
    this.context = context;
    this.newest = newest;
    this.seen = newest;
    this.nextLook = context.environment.now() + this.pause();
  }

  /** What a failed look would have said the next one says; it never ends a consumer that is well. */
  async refreshIfDue(): Promise<void> {
    const { pipeline, state, environment, log } = this.context;
    if (environment.now() < this.nextLook) return;
    try {
      const cycle = await state.readCycle(pipeline.name, environment.now() + PATIENCE);
      this.failed = 0;
      if (cycle) {
        this.newest = Math.max(this.newest, cycle.flushRequested);
        this.paused = cycle.paused;
        this.partitions = cycle.partitions;
      }
    } catch (error) {
      if (!isPulsehouseError(error)) throw error;
      if (this.failed === 0) log.warn(`The cycle's requests could not be read: ${error.message}`, { error });
      this.failed += 1;
    }
    this.nextLook = environment.now() + this.pause();
  }

  /** With jitter: consumers that were started together would go on looking together. */
  private pause(): number {
    const { environment } = this.context;
    const usual = Math.max(LOOK_EVERY, this.partitions * LOOK_EVERY_PER_PARTITION);
    const pause = Math.min(LONGEST_PAUSE, usual * 2 ** Math.min(this.failed, 10));
    return pause * (0.75 + 0.5 * environment.random());
  }
}
