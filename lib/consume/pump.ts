import type { Intent, TokenWindow } from '../pipeline/intent.ts';
import { intend, intendedUpTo } from '../pipeline/partition-transitions.ts';
import { isAfter, type Position } from '../pipeline/position.ts';
import type { Entry, EntryReader } from '../ports/transport.ts';
import { newCondition } from './condition.ts';
import type { ConsumeContext } from './context.ts';
import { recordDeadLetters, tolerated } from './dead-letters.ts';
import { EntrySource } from './entry-source.ts';
import type { FlushRequests } from './flush-requests.ts';
import type { OpenBatches } from './open-batches.ts';
import { PulledBatch } from './pulled-batch.ts';
import { sendNotAfter, storeFirst } from './settle.ts';
import { lookAtTable, type Soundness } from './sound-state.ts';

/** Why pulling ended. */
export type PumpEnd = 'drained' | 'stalled' | 'deadline' | 'stopped';

/** Why a batch was cut; a `PumpEnd` cuts it too. Broken: the reader failed. */
type Cut = PumpEnd | 'broken' | 'full' | 'waited' | 'flush';

export interface PumpTerms {
  readonly until: 'drained' | 'deadline';
  /** Nothing more is pulled after it (ms since the epoch): what is pulled must still be stored and committed. */
  readonly pullUntil: number;
  readonly stop: AbortSignal | undefined;
}

const LONGEST_WAIT = 200;
/** Entries are taken for so long at a time (ms); then sockets that send bodies or bring entries have a turn. */
const TAKING = 4;
/** The table's token window is looked at again when the last look is older. */
const TOKENS_AGE = 30_000;

/** Pulls, cuts, intends and inserts until an end; everything pulled is committed when it returns, or throws what the reader did. */
export class Pump {
  private readonly context: ConsumeContext;
  private readonly entries: EntrySource;
  private readonly open: OpenBatches;
  private readonly flushes: FlushRequests;
  private readonly terms: PumpTerms;
  private filling: PulledBatch | undefined;
  private intended = 0;
  /** The last of what stood in the topic at the start: it has waited already, and is stored as soon as it is pulled. */
  private backlogEnd: Position | undefined;
  private tokens: { readonly window: TokenWindow; readonly at: number };
  private turnAt: number;

  constructor(
    context: ConsumeContext,
    reader: EntryReader,
    open: OpenBatches,
    flushes: FlushRequests,
    { last, tokens, at }: Soundness,
    terms: PumpTerms,
  ) {
    this.context = context;
    this.entries = new EntrySource(context, reader, last);
    this.open = open;
    this.flushes = flushes;
    this.terms = terms;
    this.tokens = { window: tokens, at };
    this.turnAt = context.environment.now();
    this.backlogEnd = last && isAfter(last, intendedUpTo(context.lease.state)) ? last : undefined;
  }

  async run(): Promise<PumpEnd> {
    for (;;) {
      const cut = await this.fill();
      const batch = this.filling;
      this.filling = undefined;
      if (batch) await this.intendAndStore(batch);
      this.open.flushAt(this.flushes.newest);
      if (!isEnd(cut)) continue;
      await this.open.waitForAll();
      if (this.open.canCommit) await this.open.commitStored();
      this.entries.throwFailure();
      if (cut !== 'broken') return cut;
    }
  }

  /** Pulls into `filling` until there is a reason to cut. Bodies held at once, this one included, are bounded by inFlight. */
  private async fill(): Promise<Cut> {
    const { batch: limits } = this.context.pipeline;
    for (;;) {
      const now = this.context.environment.now();
      if (this.terms.stop?.aborted || this.flushes.paused) return 'stopped';
      if (now >= this.terms.pullUntil) return 'deadline';
      if (this.filling?.isFull(limits) || this.hasTooManyBad()) return 'full';
      if (this.filling && now - this.filling.startedAt >= limits.maxWait) return 'waited';
      if (this.hasPulledBacklog()) return 'waited';
      if (this.flushes.newest > this.flushes.seen) {
        this.flushes.seen = this.flushes.newest;
        return 'flush';
      }
      // Beyond a batch that failed nothing more is intended.
      this.open.throwFailure();
      if (!this.filling && !this.open.hasRoom(limits.inFlight)) {
        await this.open.waitForOne();
        continue;
      }
      const entry = this.entries.poll();
      if (entry) {
        if (!this.take(entry)) return 'full';
        await this.letOthersRun();
        continue;
      }
      if (this.entries.isBroken) return 'broken';
      const end = await this.endOfEntries();
      if (end) return end;
      const awaited = await this.waitForEntry(now);
      if (awaited) {
        if (!this.take(awaited)) return 'full';
      } else if (!this.filling && this.open.isEmpty) this.open.flushAt(this.flushes.newest);
    }
  }

  /** True once. */
  private hasPulledBacklog(): boolean {
    const { backlogEnd, filling } = this;
    if (!backlogEnd || !filling || isAfter(backlogEnd, filling.to)) return false;
    this.backlogEnd = undefined;
    return true;
  }

  /** However many messages the batch still takes, it halts the partition: no more of them need to be held. */
  private hasTooManyBad(): boolean {
    if (!this.filling) return false;
    const most = Math.max(this.filling.messages, this.context.pipeline.batch.maxRows);
    return this.filling.body.bad.length > tolerated(this.context, most);
  }

  /** Answers false where the batch has no room for it. */
  private take(entry: Entry): boolean {
    const now = this.context.environment.now();
    const { lease, sink, partition, pipeline } = this.context;
    if (this.filling && !this.filling.hasRoomFor(entry, pipeline.batch)) {
      this.entries.holdBack(entry);
      return false;
    }
    this.filling ??= new PulledBatch(intendedUpTo(lease.state), sink.newBody(partition), now);
    this.filling.add(entry);
    return true;
  }

  /** Taking entries that are here never waits: without this a body would not travel until the next batch is full. */
  private async letOthersRun(): Promise<void> {
    const { environment } = this.context;
    if (environment.now() - this.turnAt < TAKING) return;
    await environment.turn();
    this.turnAt = environment.now();
  }

  /** Nothing is here: what is stored can be committed meanwhile, by itself where no batch is about to carry the commit. */
  private async waitForEntry(now: number): Promise<Entry | undefined> {
    if (!this.filling && this.open.canCommit) await this.open.commitStored();
    await this.flushes.refreshIfDue();
    const cutAt = this.filling
      ? this.filling.startedAt + this.context.pipeline.batch.maxWait
      : now + LONGEST_WAIT;
    const until = Math.min(cutAt, now + LONGEST_WAIT, this.terms.pullUntil);
    return this.entries.next(Math.max(1, until - this.context.environment.now()));
  }

  private async endOfEntries(): Promise<'drained' | 'stalled' | undefined> {
    if (this.terms.until !== 'drained') return undefined;
    return this.entries.end(this.filling?.to ?? intendedUpTo(this.context.lease.state));
  }

  private async tokenWindow(): Promise<TokenWindow> {
    const at = this.context.environment.now();
    if (at - this.tokens.at > TOKENS_AGE) {
      this.tokens = { window: await lookAtTable(this.context, this.tokens.window), at };
    }
    return this.tokens.window;
  }

  private async intendAndStore(batch: PulledBatch): Promise<void> {
    const { lease } = this.context;
    const { seq, generation } = lease.state;
    const named = { seq: seq + 1, generation, messages: batch.messages };
    const deadLetters = await recordDeadLetters(this.context, named, undefined, batch.body.bad);
    const intent: Intent = {
      ...named,
      after: batch.after,
      to: batch.to,
      entries: batch.entries,
      rows: batch.messages - batch.body.filtered - (deadLetters?.count ?? 0),
      filtered: batch.body.filtered,
      bytes: batch.bytes,
      digest: batch.digest(),
      mapping: this.context.sink.mapping,
      publishedUpTo: batch.publishedUpTo,
      attempt: 1,
      tokens: await this.tokenWindow(),
      notAfter: sendNotAfter(this.context),
      deadLetters,
      condition: newCondition(this.context),
    };
    await this.open.commitStored((state) => intend(state, intent));
    // A state put back from a backup knows nothing of sends since then. Those that stored rows were found at the start; of
    // those whose token alone outlived a crash of the server, at most so many were under way (seed 23982, `--with state-back`).
    this.intended += 1;
    const isLookedAt = this.intended <= this.context.pipeline.batch.inFlight;
    this.open.add(intent.seq, () => storeFirst(this.context, intent.seq, { body: batch.body, isLookedAt }));
    await this.flushes.refreshIfDue();
  }
}

function isEnd(cut: Cut): cut is PumpEnd | 'broken' {
  return cut !== 'full' && cut !== 'waited' && cut !== 'flush';
}
