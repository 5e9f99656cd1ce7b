import type { Body } from './bodies.ts';
import { ledgerOf } from './in-process.ts';

/** One payload that is not empty, and where it stands. */
export interface Message {
  readonly body: number;
  readonly ledger: number;
  readonly entry: number;
  readonly index: number;
  readonly payload: Buffer;
}

export function messageKey(ledger: number | string, entry: number | string, index: number): string {
  return `${ledger}:${entry}:${index}`;
}

/** Every message of the bodies by its key, and how many have no value. */
export function messagesOf(bodies: readonly Body[]): {
  readonly messages: ReadonlyMap<string, Message>;
  readonly empty: number;
} {
  const messages = new Map<string, Message>();
  let empty = 0;
  for (const body of bodies) {
    const ledger = ledgerOf(body);
    for (const [entry, payloads] of body.entries.entries()) {
      for (const [index, payload] of payloads.entries()) {
        if (payload === undefined || payload.length === 0) empty += 1;
        else
          messages.set(messageKey(ledger, entry, index), {
            body: body.number,
            ledger,
            entry,
            index,
            payload,
          });
      }
    }
  }
  return { messages, empty };
}

/** Deeper is refused, by the server too. */
const MAX_DEPTH = 1000;

/** Whether the payload is exactly one JSON object, by a parser that is not ours. */
export function isJsonObject(payload: Buffer): boolean {
  // Byte for byte: which letters the bytes above 0x7f make is nothing that JSON's grammar looks at.
  const text = payload.toString('latin1');
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) && depthOf(text) <= MAX_DEPTH;
  } catch {
    return false;
  }
}

function depthOf(json: string): number {
  // Hardly any has as many brackets as could make it too deep.
  if (json.length < 2 * MAX_DEPTH) return 0;
  let depth = 0;
  let deepest = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    else if (token === '}' || token === ']') depth -= 1;
  }
  return deepest;
}
