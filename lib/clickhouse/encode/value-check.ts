import type { EmptyStrings } from '../../pipeline/pipeline.ts';
import { SEEN, seenAt, stringEnd } from './frame-check.ts';
import { EVERY, ruleOf, type ValueRule } from './value-rules.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const LETTER_N = 0x6e;

interface Field {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly rule: ValueRule | undefined;
  /** Of fields called `a.b`, which the server also reads from the object `a`: those within `a`. */
  readonly inner: Fields | undefined;
}

/** By `hashOf` their names: nearly every field of a payload is passed over without a look at more than that. */
type Fields = ReadonlyMap<number, readonly Field[]>;

/**
 * Finds values that ClickHouse would read as something else without a word ("" as 0 in an Int64), by the types that the
 * pipeline declares. Only payloads in which the frame check saw such a value are looked at.
 */
export class ValueCheck {
  readonly #fields: Fields;
  /** `SEEN` of payloads that may hold such a value; `EVERY` where any may. */
  readonly seen: number;

  constructor(fields: Readonly<Record<string, string>>, empty: EmptyStrings) {
    const rules = Object.entries(fields).flatMap(([name, type]) => {
      const rule = ruleOf(type, empty);
      return rule ? [[name, rule] as const] : [];
    });
    this.#fields = indexed(rules, true);
    this.seen = rules.reduce((sum, [, { seen }]) => sum | seen, 0);
  }

  /** Whether a payload in which the frame check saw `seen` may hold such a value. */
  concerns(seen: number): boolean {
    return (this.seen & seen) !== 0 || this.seen === EVERY;
  }

  /** Why the JSON object within `[start, end)` must not be stored, or undefined. The frame check has accepted it. */
  fault(data: Uint8Array, start: number, end: number): string | undefined {
    const fault = faultIn(data, start, end, this.#fields);
    return fault === undefined ? undefined : `has in ${fault}`;
  }
}

function indexed(rules: readonly (readonly [string, ValueRule])[], isOutermost: boolean): Fields {
  const within = new Map<string, (readonly [string, ValueRule])[]>();
  for (const [name, rule] of isOutermost ? rules : []) {
    const dot = name.indexOf('.');
    if (dot <= 0) continue;
    const outer = name.slice(0, dot);
    within.set(outer, [...(within.get(outer) ?? []), [name.slice(dot + 1), rule]]);
  }
  const byName = new Map(rules);
  const fields = new Map<number, Field[]>();
  for (const name of new Set([...byName.keys(), ...within.keys()])) {
    const inner = within.get(name);
    const bytes = Buffer.from(name);
    const hash = hashOf(bytes, 0, bytes.length);
    const field = { name, bytes, rule: byName.get(name), inner: inner && indexed(inner, false) };
    fields.set(hash, [...(fields.get(hash) ?? []), field]);
  }
  return fields;
}

/** Its own loop and no generator: it runs for every field of the payloads that are looked at. */
function faultIn(data: Uint8Array, start: number, end: number, fields: Fields): string | undefined {
  let at = start;
  while (data[at] !== OPENING_BRACE) at += 1;
  at = afterSpace(data, at + 1);
  while (at < end && data[at] !== CLOSING_BRACE) {
    if (data[at] === COMMA) at = afterSpace(data, at + 1);
    const nameStart = at + 1;
    const nameEnd = stringEnd(data, nameStart, end);
    const field = fieldOf(data, nameStart, nameEnd - 1, fields);
    const from = afterSpace(data, afterSpace(data, nameEnd) + 1);
    const to = valueEnd(data, from, end);
    const fault = field && faultOf(data, from, to, field);
    if (fault !== undefined) return fault;
    at = afterSpace(data, to);
  }
  return undefined;
}

function faultOf(
  data: Uint8Array,
  from: number,
  to: number,
  { name, rule, inner }: Field,
): string | undefined {
  if (rule && (rule.seen & seenIn(data, from)) !== 0) {
    const fault = rule.fault(JSON.parse(textOf(data, from, to)));
    if (fault !== undefined) return `${JSON.stringify(name)} ${fault}`;
  }
  if (!inner || data[from] !== OPENING_BRACE) return undefined;
  const fault = faultIn(data, from, to, inner);
  return fault === undefined ? undefined : `${JSON.stringify(name)}, ${fault}`;
}

/** What the frame check sees of the value that begins at `from`; anything may be within an array or object. */
function seenIn(data: Uint8Array, from: number): number {
  const first = data[from];
  if (first === QUOTE) return seenAt(data, from + 1);
  if (first === LETTER_N) return SEEN.null;
  return first === OPENING_BRACE || first === OPENING_BRACKET ? EVERY : 0;
}

function fieldOf(data: Uint8Array, from: number, to: number, fields: Fields): Field | undefined {
  const hash = hashOf(data, from, to);
  if (hash === ESCAPED) {
    const name = JSON.parse(textOf(data, from - 1, to + 1)) as string;
    const bytes = Buffer.from(name);
    return fields.get(hashOf(bytes, 0, bytes.length))?.find((field) => field.name === name);
  }
  return fields.get(hash)?.find(({ bytes }) => isSame(bytes, data, from, to));
}

const ESCAPED = -1;

/** Never below zero, but for names with escapes in them. */
function hashOf(data: Uint8Array, from: number, to: number): number {
  let hash = to - from;
  for (let at = from; at < to; at += 1) {
    const byte = data[at] as number;
    if (byte === BACKSLASH) return ESCAPED;
    hash = (Math.imul(hash, 31) + byte) & 0x3fffffff;
  }
  return hash;
}

function isSame(bytes: Uint8Array, data: Uint8Array, from: number, to: number): boolean {
  if (bytes.length !== to - from) return false;
  for (let index = 0; index < bytes.length; index += 1) {
    if (bytes[index] !== data[from + index]) return false;
  }
  return true;
}

function textOf(data: Uint8Array, from: number, to: number): string {
  return Buffer.from(data.buffer, data.byteOffset + from, to - from).toString('utf8');
}

function valueEnd(data: Uint8Array, from: number, end: number): number {
  let depth = 0;
  let at = from;
  while (at < end) {
    const byte = data[at] as number;
    if (byte === QUOTE) {
      at = stringEnd(data, at + 1, end);
      if (depth === 0) return at;
      continue;
    }
    const isClosing = byte === CLOSING_BRACE || byte === CLOSING_BRACKET;
    if (depth === 0 && (isClosing || byte === COMMA || byte <= 0x20)) return at;
    if (byte === OPENING_BRACE || byte === OPENING_BRACKET) depth += 1;
    at += 1;
    if (isClosing) {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return at;
}

function afterSpace(data: Uint8Array, from: number): number {
  let at = from;
  while ((data[at] as number) <= 0x20) at += 1;
  return at;
}
