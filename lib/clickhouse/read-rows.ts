import { dependentViews } from './dependent-views.ts';
import type { TableName } from './identifiers.ts';
import type { Questions } from './questions.ts';

/** Who else reads an insert's rows, and so is in what the server says it read. */
interface Readers {
  /** Views of the table itself: each reads every row. */
  readonly direct: number;
  /** Views of views: how many rows come to them, only they know. */
  readonly indirect: number;
}

/** Whether the rows that the server says an insert read are those that were sent. */
export class ReadRows {
  readonly #questions: Questions;
  readonly #target: TableName;
  #readers: Readers | undefined;
  #asking: Promise<Readers> | undefined;

  constructor(questions: Questions, target: TableName) {
    this.#questions = questions;
    this.#target = target;
  }

  /** Before the first insert: once one is answered, a question that fails would leave it in doubt. */
  async prepare(deadline: number): Promise<void> {
    if (this.#readers) return;
    // Shared by all inserts that are about to be the first one.
    this.#asking ??= this.#count(deadline).finally(() => {
      this.#asking = undefined;
    });
    this.#readers = await this.#asking;
  }

  /** A view may have come since they were counted: they are counted again before it is said that rows differ. */
  async areThose(sent: number, read: number, deadline: number): Promise<boolean> {
    if (this.#readers && fits(this.#readers, sent, read)) return true;
    this.#readers = await this.#count(deadline);
    return fits(this.#readers, sent, read);
  }

  /**
   * Under a condition, how many rows met it: what was written, where nobody but the table itself read or wrote. Undefined
   * where views did, whose rows are counted in. 'other' when the rows read are not those that were sent.
   */
  async met(
    {
      sent,
      read,
      written,
    }: { readonly sent: number; readonly read: number; readonly written: number | undefined },
    deadline: number,
  ): Promise<number | undefined | 'other'> {
    if (read !== sent || !this.#readers) this.#readers = await this.#count(deadline);
    const { direct, indirect } = this.#readers;
    if (direct + indirect > 0) return read >= sent ? undefined : 'other';
    return read === sent ? written : 'other';
  }

  async #count(deadline: number): Promise<Readers> {
    const views = await dependentViews(this.#questions, this.#target, deadline);
    const { database, table } = this.#target;
    const direct = views.filter(({ source }) => source.database === database && source.table === table);
    return { direct: direct.length, indirect: views.length - direct.length };
  }
}

function fits({ direct, indirect }: Readers, sent: number, read: number): boolean {
  const least = sent * (1 + direct);
  return indirect > 0 ? read >= least : read === least;
}
