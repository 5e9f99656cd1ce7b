import { isPulsehouseError } from '../pipeline/errors.ts';
import type { Intent } from '../pipeline/intent.ts';
import type { BatchRecord, PartitionState } from '../pipeline/partition-state.ts';
import { commit, flushedTo } from '../pipeline/partition-transitions.ts';
import { retry } from '../ports/retry.ts';
import { type ConsumeContext, standingIntent } from './context.ts';

/** Batches that may wait, stored, for one before them. */
const STORED_BEHIND = 2;

interface OpenBatch {
  readonly seq: number;
  /** Never rejects: a failure is kept in `failure`. */
  readonly settled: Promise<void>;
  stored: boolean;
  failure: unknown;
}

/**
 * Batches intended and not yet committed. Their inserts run side by side; they are committed in order, and a commit
 * rides on the next intent where there is one.
 */
export class OpenBatches {
  private readonly context: ConsumeContext;
  private open: OpenBatch[] = [];
  /** A flush asked for is met once this batch is committed. */
  private flush: { readonly checkpoint: number; readonly seq: number } | undefined;

  constructor(context: ConsumeContext) {
    this.context = context;
  }

  /**
   * Whether another batch may be pulled while `inFlight` bodies are held at most. Those that are stored behind one in doubt
   * cannot be committed; each is an intent in the state, which is one item of 400 KB, so they are bounded too.
   */
  hasRoom(inFlight: number): boolean {
    const unstored = this.open.filter((batch) => !batch.stored).length;
    return unstored < inFlight && (this.canCommit || this.open.length < inFlight + STORED_BEHIND);
  }

  get isEmpty(): boolean {
    return this.open.length === 0;
  }

  /** Starts storing an intended batch. */
  add(seq: number, store: () => Promise<void>): void {
    const batch: OpenBatch = {
      seq,
      stored: false,
      failure: undefined,
      settled: store().then(
        () => {
          batch.stored = true;
        },
        (error: unknown) => {
          batch.failure = error;
        },
      ),
    };
    this.open.push(batch);
  }

  /** The flush asked for by `checkpoint` is met when everything open now, and nothing later, is committed. */
  flushAt(checkpoint: number): void {
    if (checkpoint <= (this.flush?.checkpoint ?? this.context.lease.state.flushed)) return;
    this.flush = { checkpoint, seq: this.open.at(-1)?.seq ?? 0 };
  }

  /** Waits until one more batch is stored. @throws what storing one threw. */
  async waitForOne(): Promise<void> {
    const waiting = this.open.filter((batch) => !batch.stored && batch.failure === undefined);
    if (waiting.length > 0) await Promise.race(waiting.map((batch) => batch.settled));
    this.throwFailure();
  }

  async waitForAll(): Promise<void> {
    await Promise.all(this.open.map((batch) => batch.settled));
    this.throwFailure();
  }

  /** Waits until nothing of this invocation is under way, whatever came of it. */
  async quiet(): Promise<void> {
    await Promise.all(this.open.map((batch) => batch.settled));
  }

  /**
   * Commits every stored batch at the head together with `also`, in one write of the state. The ledger items are written
   * first: a committed batch always has its record.
   */
  async commitStored(also: (state: PartitionState) => PartitionState = (state) => state): Promise<void> {
    const done: number[] = [];
    for (const batch of this.open) {
      if (!batch.stored) break;
      done.push(batch.seq);
    }
    await Promise.all(done.map((seq) => this.record(standingIntent(this.context, seq))));
    await this.context.lease.update((state) => also(this.commitInto(state, done)));
    this.open = this.open.filter((batch) => !done.includes(batch.seq));
    if (this.flush && this.context.lease.state.flushed >= this.flush.checkpoint) this.flush = undefined;
  }

  /** Whether a commit now would change anything. */
  get canCommit(): boolean {
    return this.open[0]?.stored === true || (this.flush !== undefined && this.open.length === 0);
  }

  private commitInto(state: PartitionState, done: readonly number[]): PartitionState {
    const committed = done.reduce(commit, state);
    const pending = committed.inFlight.some((intent) => this.flush && intent.seq <= this.flush.seq);
    return this.flush && !pending ? flushedTo(committed, this.flush.checkpoint) : committed;
  }

  private record(intent: Intent): Promise<void> {
    const { state, environment, lease, pipeline, partition, deadline } = this.context;
    const record: BatchRecord = {
      ...intent,
      pipeline: pipeline.name,
      partition,
      epoch: lease.state.epoch,
      committedAt: environment.now(),
    };
    const retryIf = (error: unknown) => isPulsehouseError(error) && error.code === 'PH_STATE_UNREACHABLE';
    return retry(environment, { deadline, retryIf }, (tryUntil) => state.putBatch(record, tryUntil));
  }

  /** @throws what storing one of them threw. */
  throwFailure(): void {
    const failed = this.open.find((batch) => batch.failure !== undefined);
    if (failed) throw failed.failure;
  }
}
