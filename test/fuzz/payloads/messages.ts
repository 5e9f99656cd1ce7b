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
