import { PulsehouseError } from './errors.ts';

/**
 * Where an entry stands in its partition. Always a whole entry: no batch index appears anywhere.
 * Ledger and entry ids are int64 in Pulsar; every real one fits a double exactly, and one that does not is refused.
 */
export interface Position {
  readonly ledger: number;
  readonly entry: number;
}

/** Below every entry a topic can hold: "nothing read yet". */
export const BEFORE_ALL: Position = Object.freeze({ ledger: -1, entry: -1 });

/** Above every entry a topic can hold. */
export const LAST_OF_ALL: Position = Object.freeze({
  ledger: Number.MAX_SAFE_INTEGER,
  entry: Number.MAX_SAFE_INTEGER,
});

export function comparePositions(a: Position, b: Position): number {
  return a.ledger - b.ledger || a.entry - b.entry;
}

export function isAfter(a: Position, b: Position): boolean {
  return comparePositions(a, b) > 0;
}

export function isSamePosition(a: Position, b: Position): boolean {
  return a.ledger === b.ledger && a.entry === b.entry;
}

export function laterOf(a: Position, b: Position): Position {
  return comparePositions(a, b) >= 0 ? a : b;
}

export function earlierOf(a: Position, b: Position): Position {
  return comparePositions(a, b) <= 0 ? a : b;
}

/** Whether a topic whose last entry is `last` ends in an older ledger than the one an entry was read from. */
export function endsBefore(last: Position, read: Position): boolean {
  return last.ledger !== -1 && read.entry !== -1 && last.ledger < read.ledger;
}

/** `ledger:entry`, the form used in logs, tokens, snapshots and on the command line. */
export function formatPosition(position: Position): string {
  return `${position.ledger}:${position.entry}`;
}

/** @throws PulsehouseError PH_POSITION_INVALID when the text is not `ledger:entry`. */
export function parsePosition(text: string): Position {
  const match = /^(-?\d+):(-?\d+)$/.exec(text);
  const ledger = Number(match?.[1]);
  const entry = Number(match?.[2]);
  if (!match || !Number.isSafeInteger(ledger) || !Number.isSafeInteger(entry) || ledger < -1 || entry < -1) {
    throw new PulsehouseError('PH_POSITION_INVALID', `"${text}" is not a position of the form ledger:entry`);
  }
  return { ledger, entry };
}
