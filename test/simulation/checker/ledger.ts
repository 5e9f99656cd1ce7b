import { formatPosition, isAfter, isSamePosition, type Position } from '../../../lib/pipeline/position.ts';
import type { Partition } from '../fakes/broker.ts';
import type { SimulatedEntry } from '../messages.ts';

/** What one partition's messages have become so far. */
export class Ledger {
  private readonly partition: Partition;
  private readonly rows = new Map<string, number>();
  private readonly deadLetters = new Map<string, number>();
  /** Those that a replay named: no generation of the pipeline makes them void. */
  private readonly replayed = new Map<string, number>();

  /** Dead letters decided by a state that an older copy took the place of: they may be decided once more. */
  private readonly decidedAgain = new Set<string>();

  /** Entries that Pulsar deleted unread, by no doing of ours: nothing may come of them. */
  private readonly forgotten = new Set<SimulatedEntry>();

  constructor(partition: Partition) {
    this.partition = partition;
  }

  knows(position: Position): boolean {
    return this.partition.everything.some((entry) => isSamePosition(entry.position, position));
  }

  addRow(position: Position, index: number): number {
    return addOne(this.rows, position, index);
  }

  addDeadLetter(position: Position, index: number, byReplay: boolean): void {
    const key = keyOf(position, index);
    if (this.decidedAgain.delete(key)) this.deadLetters.delete(key);
    addOne(byReplay ? this.replayed : this.deadLetters, position, index);
  }

  removeRow(position: Position, index: number): void {
    const key = keyOf(position, index);
    this.rows.set(key, (this.rows.get(key) ?? 0) - 1);
  }

  /** A generation that begins at `position` makes void what was decided above it. */
  forgetDeadLettersAbove(position: Position): void {
    for (const entry of this.partition.everything) {
      if (!isAfter(entry.position, position)) continue;
      for (const index of entry.kinds.keys()) {
        const key = keyOf(entry.position, index);
        this.deadLetters.delete(key);
        this.decidedAgain.delete(key);
      }
    }
  }

  forget(entries: readonly SimulatedEntry[]): void {
    for (const entry of entries) this.forgotten.add(entry);
  }

  /** How many messages of `(after, to]` are counted as left out. */
  leftOut(after: Position, to: Position): { readonly least: number; readonly most: number } {
    const kinds = this.entries(after, to).flatMap((entry) => entry.kinds);
    const least = kinds.filter((kind) => kind === 'left out').length;
    return {
      least,
      most:
        least +
        kinds.filter((kind) => kind === 'left out or dead letter' || kind === 'left out or row').length,
    };
  }

  hasForgotten(after: Position, to: Position): boolean {
    return this.entries(after, to).some((entry) => this.forgotten.has(entry));
  }

  /** Whether something was lost, and not only passed over by its cursor. */
  get hasLost(): boolean {
    return [...this.forgotten].some((entry) =>
      entry.kinds.some(
        (kind, index) => (kind === 'row' || kind === 'dead letter') && this.isNothing(entry, index),
      ),
    );
  }

  private isNothing({ position }: SimulatedEntry, index: number): boolean {
    const key = keyOf(position, index);
    return [this.rows, this.deadLetters, this.replayed].every((counts) => (counts.get(key) ?? 0) === 0);
  }

  /** A replay decides anew what of `(after, to]` cannot become rows. */
  supersedeDeadLetters(after: Position, to: Position): void {
    for (const entry of this.entries(after, to)) {
      for (const index of entry.kinds.keys()) {
        this.deadLetters.delete(keyOf(entry.position, index));
        this.replayed.delete(keyOf(entry.position, index));
      }
    }
  }

  mayDecideAgainAbove(position: Position): void {
    for (const entry of this.partition.everything) {
      if (!isAfter(entry.position, position)) continue;
      for (const index of entry.kinds.keys()) {
        const key = keyOf(entry.position, index);
        if (this.deadLetters.has(key)) this.decidedAgain.add(key);
      }
    }
  }

  /** Entries of `(after, to]`. */
  entries(after: Position, to: Position): readonly SimulatedEntry[] {
    return this.partition.everything.filter(
      ({ position }) => isAfter(position, after) && !isAfter(position, to),
    );
  }

  /**
   * What is wrong with the messages of `(after, to]`, each of which must be once what it ought to be; or, while rows may be
   * missing, at most once.
   */
  fault(after: Position, to: Position, mayBeMissing = false): string | undefined {
    for (const entry of this.entries(after, to)) {
      for (const [index, kind] of entry.kinds.entries()) {
        const key = keyOf(entry.position, index);
        const isNothing = this.isNothing(entry, index);
        if (isNothing && (this.forgotten.has(entry) || (mayBeMissing && kind === 'row'))) continue;
        const deadLetters = (this.deadLetters.get(key) ?? 0) + (this.replayed.get(key) ?? 0);
        const found = `${this.rows.get(key) ?? 0} rows, ${deadLetters} dead letters`;
        const isLetter = kind === 'dead letter' || (kind === 'left out or dead letter' && deadLetters === 1);
        const isRow = kind === 'row' || (kind === 'left out or row' && this.rows.get(key) === 1);
        const expected = `${isRow ? 1 : 0} rows, ${isLetter ? 1 : 0} dead letters`;
        if (found !== expected) return `${this.partition.name} ${key} is ${found}, should be ${expected}`;
      }
    }
    return undefined;
  }
}

function addOne(counts: Map<string, number>, position: Position, index: number): number {
  const key = keyOf(position, index);
  const count = (counts.get(key) ?? 0) + 1;
  counts.set(key, count);
  return count;
}

function keyOf(position: Position, index: number): string {
  return `${formatPosition(position)}:${index}`;
}
