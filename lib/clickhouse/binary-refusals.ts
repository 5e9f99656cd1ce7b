import type { BatchBody, InsertOutcome } from '../ports/sink.ts';
import { ForeignAnswer } from './server-error.ts';

/** So many bodies in a row must be refused as RowBinary and taken as JSON before no more are sent as RowBinary. */
const MOST_REFUSALS = 2;

/**
 * Notices where RowBinary is refused and the same rows are taken as JSON: by a limit of the user's on settings, by a proxy
 * that takes binary bytes for something else. A body refused once is sent as JSON from then on, and after two of them all.
 */
export class BinaryRefusals {
  readonly #refused = new WeakSet<BatchBody>();
  #refusals = 0;

  /** Whether the body may be sent as RowBinary. */
  allow(body: BatchBody): boolean {
    return this.#refusals < MOST_REFUSALS && !this.#refused.has(body);
  }

  /** Answers true when with this outcome the last RowBinary was sent. */
  note(body: BatchBody, outcome: InsertOutcome, wasBinary: boolean): boolean {
    const isStored = outcome.kind === 'stored';
    if (wasBinary) {
      if (isStored) this.#refusals = 0;
      else if (isRefusal(outcome)) this.#refused.add(body);
      return false;
    }
    if (!isStored || !this.#refused.delete(body)) return false;
    this.#refusals += 1;
    return this.#refusals === MOST_REFUSALS;
  }
}

/** Neither what passes by itself nor silence says anything of the format. */
function isRefusal(outcome: Exclude<InsertOutcome, { readonly kind: 'stored' }>): boolean {
  if (outcome.kind === 'in-doubt') {
    const { cause } = outcome.error;
    return cause instanceof ForeignAnswer && cause.nextStep !== undefined;
  }
  return outcome.meaning !== 'busy' && outcome.meaning !== 'view' && outcome.meaning !== 'access';
}
