import type { Intent } from '../pipeline/intent.ts';
import { amendIntent } from '../pipeline/partition-transitions.ts';
import type { BadMessage, BatchBody, InsertOutcome } from '../ports/sink.ts';
import { assertTakesRows, findBadRows } from './bad-rows/find-bad-rows.ts';
import { withoutRows } from './bad-rows/selected-rows.ts';
import { batchError, type ConsumeContext, standingIntent } from './context.ts';
import { recordDeadLetters } from './dead-letters.ts';

const FIRST_PAUSE = 250;
const MOST_FAILURES = 4;
/** Failures of any kind after which the next invocation is to try. */
const MOST_IN_ALL = 8;
/** A limit or a fault that passes by itself is looked into only when it came so often in a row. */
const PASSING_BEFORE_SEARCH = 2;

const NOTHING = { code: undefined, times: 0 } as const;

type Failed = Exclude<InsertOutcome, { readonly kind: 'stored' }>;
type Answered = Extract<InsertOutcome, { readonly kind: 'answered' }>;

/**
 * The failed sends of one batch in one invocation, and what follows from each: bad rows leave the batch, a table or a
 * mapping that takes nothing halts, and what is not explained is tried a bounded number of times.
 */
export class FailedSends {
  private readonly context: ConsumeContext;
  private readonly seq: number;
  private count = 0;
  private passing = 0;
  /** Rows of a body in which no bad one was found. */
  private clean: number | undefined;
  /** How often in a row the same code of the server was answered although every row passes. */
  private unexplained: { readonly code: number | undefined; readonly times: number } = NOTHING;

  constructor(context: ConsumeContext, seq: number) {
    this.context = context;
    this.seq = seq;
  }

  /**
   * Counts a failure. A missing right is nobody's row: it is waited for. A code that is about the table or the mapping is
   * believed when an empty body fails too; the table may be gone, and then nothing else can be asked of it.
   * @throws PulsehouseError PH_CLICKHOUSE_ACCESS, PH_HALT_REFUSED; the failure itself when so many came that the next
   * invocation is to try
   */
  async note(failed: Failed): Promise<void> {
    this.count += 1;
    this.passing = passesByItself(failed) ? this.passing + 1 : 0;
    if (this.count >= (passesByItself(failed) ? MOST_FAILURES : MOST_IN_ALL)) throw failed.error;
    if (passesByItself(failed)) this.unexplained = NOTHING;
    if (failed.kind !== 'answered') return;
    if (failed.meaning === 'access') throw failed.error;
    if (failed.meaning === 'schema') await assertTakesRows(this.context);
  }

  /** Whether the server refuses a body whose rows all pass: the next send is read as the trial read them. */
  get isUnexplained(): boolean {
    return this.unexplained.times > 0;
  }

  async pause(): Promise<void> {
    if (this.count > 0) await this.context.environment.sleep(FIRST_PAUSE * 2 ** this.count);
  }

  /**
   * The rows of the body that are not bad; bad ones are dead letters of the batch then. The whole body when there are
   * none: the same send is made again, and halts when the server answers the same code so often.
   * @throws PulsehouseError PH_HALT_REFUSED, PH_HALT_DEAD_LETTER_RATIO, PH_HALT_BAD_MESSAGE, or a retryable one
   */
  async search(body: BatchBody, failed: Answered): Promise<BatchBody> {
    if (passesByItself(failed) && this.passing < PASSING_BEFORE_SEARCH) return body;
    if (this.clean !== body.rows) {
      const bad = await this.findBadRows(body);
      if (bad.size > 0) {
        this.count = 0;
        this.unexplained = NOTHING;
        return withoutRows(body, bad);
      }
      this.clean = body.rows;
    }
    if (passesByItself(failed)) return body;
    const again = this.unexplained.code === failed.serverCode ? this.unexplained.times : 0;
    this.unexplained = { code: failed.serverCode, times: again + 1 };
    if (this.unexplained.times >= MOST_FAILURES) {
      const intent = standingIntent(this.context, this.seq);
      const message = `every row passes by itself, and the insert failed ${this.unexplained.times} times: ${failed.error.message}`;
      throw batchError(this.context, 'PH_HALT_REFUSED', message, intent);
    }
    return body;
  }

  private findBadRows(body: BatchBody): Promise<ReadonlySet<number>> {
    const { messages, deadLetters } = standingIntent(this.context, this.seq);
    return findBadRows(this.context, body, {
      messages,
      known: deadLetters?.count ?? 0,
      keep: (found) => recordBadMessages(this.context, this.seq, found),
    });
  }
}

/** What of a batch was decided anew besides its bad messages. */
type Decided = Partial<Pick<Intent, 'filtered' | 'condition' | 'mapping'>>;

/** Makes messages dead letters of a batch in flight, durably before the batch says so. */
export async function recordBadMessages(
  context: ConsumeContext,
  seq: number,
  found: readonly BadMessage[],
  decided: Decided = {},
): Promise<void> {
  const intent = standingIntent(context, seq);
  const deadLetters = await recordDeadLetters(context, intent, intent.deadLetters, found);
  const amended = { ...intent, ...decided, deadLetters };
  const rows = intent.messages - amended.filtered - (deadLetters?.count ?? 0);
  await context.lease.update((state) => amendIntent(state, { ...amended, rows }));
}

/**
 * Unanswered, or a limit or fault that passes. So is a view's failure: with a token that outlived its rows in a crash of the
 * server, the send stores nothing and its views fail all the same, until one time they do not.
 */
function passesByItself(failed: Failed): boolean {
  if (failed.kind === 'in-doubt' || failed.error.kind === 'retryable') return true;
  return failed.meaning === 'view';
}
