import { ask, type ConsumeContext } from './context.ts';

/** How often the cycle item is looked at while entries flow. */
const LOOK_EVERY = 250;

/** What the pipeline's cycle item asks of consumers, read at most every so often. */
export class FlushRequests {
  /** Newest checkpoint that asked for a flush. */
  newest: number;
  /** Newest one that the pump has cut a batch for. */
  seen: number;
  paused = false;
  private lookedAt: number;
  private readonly context: ConsumeContext;

  /** What was asked for before we began is met by the first batch, or by finding nothing: it cuts none of its own. */
  constructor(context: ConsumeContext, newest: number) {
    this.context = context;
    this.newest = newest;
    this.seen = newest;
    this.lookedAt = context.environment.now();
  }

  async refreshIfDue(): Promise<void> {
    const { pipeline, state, environment } = this.context;
    if (environment.now() - this.lookedAt < LOOK_EVERY) return;
    this.lookedAt = environment.now();
    const cycle = await ask(this.context, (deadline) => state.readCycle(pipeline.name, deadline));
    if (!cycle) return;
    this.newest = Math.max(this.newest, cycle.flushRequested);
    this.paused = cycle.paused;
  }
}
