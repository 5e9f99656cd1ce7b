import { Random } from '../../simulation/random.ts';
import { damaged, noDocument } from './damage.ts';
import { goodDocument, oddDocument } from './documents.ts';
import { isJsonObject } from './json-object.ts';
import { BODY_MESSAGES, kindOf } from './table.ts';

/** Undefined is a null value, a tombstone. */
export type Payload = Buffer | undefined;

/** What becomes one insert. */
export interface Body {
  readonly number: number;
  readonly entries: readonly (readonly Payload[])[];
}

/** Crafted so that ClickHouse, left to itself, takes everything from the first to the second for one value. */
const CRAFTED: readonly (readonly [string, string])[] = [
  ['{"x":"\\u",,,","status":{"}', '{"},"user":","aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}'],
  ['{"x":"\\u",,,","status":{"}', '{"},"start":"2026"01-01"}'],
  ['{"x":"\\u0022,,,","status":{"a":"}"}}', '{"user":",\\"status\\":{\\"aaaaaaaaaaaaaaaaaaaaaa"}'],
  ['{"status":{"a":"b"}}', '{"start":"2026\\"01-01","status":"}"}'],
];

/** A field that those are about. */
const CRAFTED_FIELD = 'user';

interface Mixture {
  /** Share of payloads that are odd in their values, in their bytes, and no documents at all. */
  readonly values: number;
  readonly bytes: number;
  /** What is left of the odd in their bytes may be JSON, with values that the server refuses. */
  readonly bytesMayBeJson: boolean;
  readonly others: number;
  /** Null and empty payloads. */
  readonly none: number;
}

/** Some bodies have a few odd values, a few very many: one that the server refuses costs many requests. All have some that are no JSON. */
function mixtureOf(random: Random): Mixture {
  const usual = { others: 0.002, none: 0.001 };
  if (random.chance(0.8)) return { ...usual, values: 0, bytes: 0.005, bytesMayBeJson: false };
  if (random.chance(0.995)) return { ...usual, values: 0.012, bytes: 0.005, bytesMayBeJson: true };
  return { values: 0.3, bytes: 0.2, bytesMayBeJson: true, others: 0.05, none: 0.02 };
}

/** The n-th body of a seed, always the same. */
export function bodyOf(seed: number, number: number): Body {
  const random = new Random((Math.imul(seed, 0x9e37_79b1) ^ Math.imul(number + 1, 0x85eb_ca77)) | 0);
  const mixture = mixtureOf(random);
  const kind = kindOf(number);
  const fields = Object.keys(kind.fields);
  const payloads = Array.from({ length: BODY_MESSAGES }, () => payloadOf(fields, mixture, random));
  if (CRAFTED_FIELD in kind.fields && random.chance(0.1)) craft(payloads, random);
  return { number, entries: cut(payloads, random) };
}

function payloadOf(fields: readonly string[], mixture: Mixture, random: Random): Payload {
  const { values, bytes, others, none } = mixture;
  const drawn = random.next();
  if (drawn < values) return Buffer.from(oddDocument(fields, random));
  if (drawn < values + bytes) return damagedOf(fields, mixture, random);
  if (drawn < values + bytes + others) return noDocument(random);
  if (drawn < values + bytes + others + none) return random.chance(0.5) ? undefined : Buffer.alloc(0);
  return Buffer.from(goodDocument(fields, random));
}

function damagedOf(fields: readonly string[], { bytesMayBeJson }: Mixture, random: Random): Buffer {
  for (;;) {
    const made = random.pick([goodDocument, oddDocument])(fields, random);
    const payload = damaged(Buffer.from(made), random);
    if (bytesMayBeJson || !isJsonObject(payload)) return payload;
  }
}

function craft(payloads: Payload[], random: Random): void {
  const [opens, closes] = random.pick(
    CRAFTED as readonly [(typeof CRAFTED)[number], ...(typeof CRAFTED)[number][]],
  );
  const first = random.between(0, payloads.length - 6);
  payloads[first] = Buffer.from(opens);
  payloads[first + random.between(1, 5)] = Buffer.from(closes);
}

function cut(payloads: readonly Payload[], random: Random): readonly (readonly Payload[])[] {
  const size = random.pick([payloads.length, payloads.length, 100, 50, 7]);
  const entries: (readonly Payload[])[] = [];
  for (let from = 0; from < payloads.length; from += size) entries.push(payloads.slice(from, from + size));
  return entries;
}
