import { isJsonObject } from './json-object.ts';
import { type Message, messageKey } from './messages.ts';
import { isSameJson } from './same-json.ts';

export interface Difference {
  readonly body: number | undefined;
  /** `ledger:entry:index`, where it is about one message. */
  readonly at: string | undefined;
  readonly what: string;
}

export interface FoundLetter {
  /** `ledger:entry:index`. */
  readonly key: string;
  readonly reason: string;
  readonly payload: Buffer;
}

/** What stands after bodies were consumed. */
export interface Outcome {
  /** How often each `ledger:entry:index` is in the table. */
  readonly rows: ReadonlyMap<string, number>;
  readonly letters: readonly FoundLetter[];
}

/**
 * Each message is exactly one row or exactly one dead letter, and nothing else is anywhere. What is no JSON object is a
 * dead letter, and a dead letter that was refused for its JSON is none.
 */
export function compare(messages: ReadonlyMap<string, Message>, { rows, letters }: Outcome): Difference[] {
  const found: Difference[] = [];
  const byKey = new Map<string, FoundLetter[]>();
  for (const letter of letters) byKey.set(letter.key, [...(byKey.get(letter.key) ?? []), letter]);
  for (const [key, message] of messages) {
    const say = (what: string): void => void found.push({ body: message.body, at: key, what });
    const mine = byKey.get(key) ?? [];
    const count = (rows.get(key) ?? 0) + mine.length;
    if (count !== 1) say(`is ${rows.get(key) ?? 0} rows and ${mine.length} dead letters`);
    const isObject = isJsonObject(message.payload);
    if (!isObject && rows.has(key)) say('is a row and no JSON object');
    for (const { reason, payload } of mine) {
      if (isObject && isOfTheFrame(reason)) say(`is one JSON object and a dead letter: ${reason}`);
      if (
        payload.compare(message.payload) !== 0 &&
        payload.compare(withoutSpaceBefore(message.payload)) !== 0
      )
        say('is a dead letter with another payload');
    }
  }
  for (const key of [...rows.keys(), ...byKey.keys()]) {
    if (!messages.has(key))
      found.push({ body: undefined, at: key, what: 'is no message, or one without a value' });
  }
  return found;
}

/** Refused before the server saw it, for what it is and not for a value in it. */
function isOfTheFrame(reason: string): boolean {
  return reason.startsWith('payload ') && !isOfAValue(reason);
}

/** Refused although the server would take it: it would store another value, without a word. */
export function isOfAValue(reason: string): boolean {
  return /^payload has in "/.test(reason);
}

function withoutSpaceBefore(payload: Buffer): Buffer {
  return payload.subarray(Math.max(0, payload.indexOf('{')));
}

export interface Rows {
  /** By key, each as a line of TSV. */
  readonly expected: ReadonlyMap<string, string>;
  readonly stored: ReadonlyMap<string, string>;
  readonly messages: ReadonlyMap<string, Message>;
  /** Places in a line whose column is of type JSON. */
  readonly json: readonly number[];
}

/** Row by row and column by column, as text. */
export function compareRows({ expected, stored, messages, json }: Rows): Difference[] {
  const found: Difference[] = [];
  for (const [key, row] of expected) {
    const mine = stored.get(key);
    const message = messages.get(key);
    if (mine !== undefined && isSameRow(mine, row, json, message?.payload ?? NO_PAYLOAD)) continue;
    const what = `is stored as ${mine ?? 'nothing'} and alone as ${row}`;
    found.push({ body: message?.body, at: key, what });
  }
  return found;
}

const NO_PAYLOAD = Buffer.alloc(0);

function isSameRow(one: string, other: string, json: readonly number[], payload: Buffer): boolean {
  if (one === other) return true;
  const mine = one.split('\t');
  const theirs = other.split('\t');
  if (mine.length !== theirs.length) return false;
  return mine.every((value, at) => {
    const its = theirs[at] ?? '';
    return value === its || (json.includes(at) && isSameJson(value, its, payload));
  });
}

export function keyOfRow(ledger: string, entry: string, index: string): string {
  return messageKey(ledger, entry, Number(index));
}
