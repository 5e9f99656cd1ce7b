import type { BadMessage, BatchBody } from '../../ports/sink.ts';
import type { ConsumeContext } from '../context.ts';
import { assertTolerable } from '../dead-letters.ts';

const KEEP_EVERY = 5_000;

export interface FoundRowsTerms {
  /** Messages of the batch, and how many of them are dead letters already. */
  readonly messages: number;
  readonly known: number;
  /** Makes newly found ones durable as dead letters of the batch. */
  readonly keep: (found: readonly BadMessage[]) => Promise<void>;
}

/** Bad rows as they are found. They are kept now and then, so that a search cut off by a deadline is not made again. */
export class FoundRows {
  /** Row numbers of the body. */
  readonly rows = new Set<number>();
  /** How often rows that fail alike were searched for. */
  searchesAlike = 0;
  /** How many of them in a row found none. */
  searchesInVain = 0;
  private readonly context: ConsumeContext;
  private readonly body: BatchBody;
  private readonly terms: FoundRowsTerms;
  private readonly all: BadMessage[] = [];
  private kept = 0;
  private keptAt: number;
  private keeping: Promise<void> = Promise.resolve();

  constructor(context: ConsumeContext, body: BatchBody, terms: FoundRowsTerms) {
    this.context = context;
    this.body = body;
    this.terms = terms;
    this.keptAt = context.environment.now();
  }

  /** @throws PulsehouseError PH_HALT_DEAD_LETTER_RATIO, PH_HALT_BAD_MESSAGE when there are more than tolerated */
  add(row: number, reason: string): void {
    if (this.rows.has(row)) return;
    this.rows.add(row);
    this.all.push({ ...this.body.messageAt(row), reason, payload: this.body.payloadAt(row) });
    assertTolerable(this.context, this.all, this.terms.messages, this.terms.known);
  }

  async keepIfDue(): Promise<void> {
    if (this.context.environment.now() - this.keptAt >= KEEP_EVERY) await this.keep();
  }

  /** One at a time: each adds to what the intent names then. */
  keep(): Promise<void> {
    this.keeping = this.keeping.then(async () => {
      const newly = this.all.slice(this.kept);
      if (newly.length === 0) return;
      this.keptAt = this.context.environment.now();
      await this.terms.keep(newly);
      this.kept += newly.length;
    });
    return this.keeping;
  }
}
