import { PulsehouseError } from '../../../pipeline/errors.ts';
import { comparePositions, formatPosition, isAfter, type Position } from '../../../pipeline/position.ts';
import { permitsOf, type RawEntry } from '../entry.ts';

/**
 * Follows the entries of one partition and stops at what does not follow. A broker that does not know the ledger of the
 * start position begins with its first entry and says nothing: so does a topic deleted and created again.
 */
export class Continuity {
  #last: Position;
  /** Position and broker index of the newest entry seen, given out or not. */
  #seen: Position | undefined;
  #seenIndex: number | undefined;
  #fresh = true;

  /** @param after nothing at or below it is given out. */
  constructor(after: Position) {
    this.#last = after;
  }

  /** The last position given out, or the one to begin after: where a new consumer has to start. */
  get last(): Position {
    return this.#last;
  }

  /** The newest entry that came, given out or not; undefined before the first of a consumer. */
  get seen(): Position | undefined {
    return this.#seen;
  }

  /** A new consumer begins at `last`, which the broker delivers again: its start is inclusive. */
  restart(): void {
    this.#fresh = true;
    this.#seen = undefined;
    this.#seenIndex = undefined;
  }

  /** The entry before it where a ledger ends between the two; undefined within one, and at the very beginning. */
  across(next: Position): Position | undefined {
    const before = this.#seen ?? this.#last;
    return before.ledger >= 0 && next.ledger > before.ledger ? before : undefined;
  }

  given(position: Position): void {
    this.#last = position;
  }

  /**
   * `known`: delivered again, to be dropped.
   * @throws PulsehouseError PH_PULSAR_POSITION_UNKNOWN, PH_PULSAR_ENTRIES_MISSING
   */
  step(raw: RawEntry): 'known' | 'new' {
    const { position } = raw;
    this.#assertBegins(position);
    if (this.#seen !== undefined && !isAfter(position, this.#seen)) return 'known';
    this.#checkIndex(raw);
    this.#seen = position;
    this.#seenIndex = raw.brokerIndex;
    return isAfter(position, this.#last) ? 'new' : 'known';
  }

  /**
   * Of an entry that cannot be read: whether it was passed over before, by whoever set the position that reading began after.
   * @throws PulsehouseError PH_PULSAR_POSITION_UNKNOWN
   */
  passesOver(position: Position): boolean {
    this.#assertBegins(position);
    if (isAfter(position, this.#last)) return false;
    this.#seen = position;
    this.#seenIndex = undefined;
    return true;
  }

  #assertBegins(position: Position): void {
    if (this.#fresh && comparePositions(position, this.#last) < 0) {
      throw new PulsehouseError(
        'PH_PULSAR_POSITION_UNKNOWN',
        `reading was to go on after ${formatPosition(this.#last)}, and the topic begins with ${formatPosition(position)}`,
      );
    }
    this.#fresh = false;
  }

  /**
   * The broker counts every message it stores. Ids and counts that skip together prove nothing: markers and aborted
   * transactions are counted and not delivered. A count that skips between neighbouring ids, or goes back, does.
   */
  #checkIndex(raw: RawEntry): void {
    const { position, brokerIndex } = raw;
    if (brokerIndex === undefined || this.#seen === undefined || this.#seenIndex === undefined) return;
    const missing = brokerIndex - permitsOf(raw) - this.#seenIndex;
    const neighbours = position.ledger === this.#seen.ledger && position.entry === this.#seen.entry + 1;
    if (missing < 0 || (missing > 0 && neighbours)) {
      throw new PulsehouseError(
        'PH_PULSAR_ENTRIES_MISSING',
        `the broker counts ${brokerIndex} up to ${formatPosition(position)} and ${this.#seenIndex} up to ` +
          `${formatPosition(this.#seen)}, which do not fit together`,
      );
    }
  }
}
