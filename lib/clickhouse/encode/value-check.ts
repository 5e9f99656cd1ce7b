import type { EmptyStrings } from '../../pipeline/pipeline.ts';
import { stringEnd } from './frame-check.ts';
import { EVERY, ruleOf, type ValueRule } from './value-rules.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const CLOSING_BRACE = 0x7d;

type Rules = ReadonlyMap<string, ValueRule>;

/**
 * Finds values that ClickHouse would read as something else without a word ("" as 0 in an Int64), by the types that the
 * pipeline declares. Only payloads in which the frame check saw such a value are looked at.
 */
export class ValueCheck {
  readonly #rules: Rules;
  /** Of fields called `a.b`, which the server also reads from the object `a`. */
  readonly #nested: ReadonlyMap<string, Rules>;
  readonly #seen: number;

  constructor(fields: Readonly<Record<string, string>>, empty: EmptyStrings) {
    const rules = new Map<string, ValueRule>();
    const nested = new Map<string, Map<string, ValueRule>>();
    for (const [field, type] of Object.entries(fields)) {
      const rule = ruleOf(type, empty);
      if (!rule) continue;
      rules.set(field, rule);
      const dot = field.indexOf('.');
      if (dot <= 0) continue;
      const inner = nested.get(field.slice(0, dot)) ?? new Map<string, ValueRule>();
      nested.set(field.slice(0, dot), inner.set(field.slice(dot + 1), rule));
    }
    this.#rules = rules;
    this.#nested = nested;
    this.#seen = [...rules.values()].reduce((sum, { seen }) => sum | seen, 0);
  }

  /** Whether a payload in which the frame check saw `seen` may hold such a value. */
  concerns(seen: number): boolean {
    return (this.#seen & seen) !== 0 || this.#seen === EVERY;
  }

  /** Why the JSON object within `[start, end)` must not be stored, or undefined. The frame check has accepted it. */
  fault(data: Uint8Array, start: number, end: number): string | undefined {
    const payload = Buffer.from(data.buffer, data.byteOffset + start, end - start);
    const fault = this.#faultIn(payload, this.#rules, '');
    return fault === undefined ? undefined : `has ${fault}`;
  }

  #faultIn(object: Buffer, rules: Rules, prefix: string): string | undefined {
    for (const [name, from, to] of fieldsOf(object)) {
      const rule = rules.get(name);
      const inner = prefix === '' ? this.#nested.get(name) : undefined;
      if (rule) {
        const fault = rule.fault(JSON.parse(object.toString('utf8', from, to)));
        if (fault !== undefined) return `in ${JSON.stringify(prefix + name)} ${fault}`;
      }
      if (inner && object[from] === 0x7b) {
        const fault = this.#faultIn(object.subarray(from, to), inner, `${name}.`);
        if (fault !== undefined) return fault;
      }
    }
    return undefined;
  }
}

/** Name of each field of an object, and where its value begins and ends. */
function* fieldsOf(object: Buffer): Generator<readonly [name: string, from: number, to: number]> {
  let at = object.indexOf(0x7b) + 1;
  for (;;) {
    at = afterSpace(object, at);
    if (object[at] === CLOSING_BRACE) return;
    if (object[at] === COMMA) at = afterSpace(object, at + 1);
    const nameEnd = stringEnd(object, at + 1, object.length);
    const name = nameOf(object, at, nameEnd);
    const colon = afterSpace(object, nameEnd);
    if (nameEnd < 0 || object[colon] !== COLON) return;
    const from = afterSpace(object, colon + 1);
    at = valueEnd(object, from);
    yield [name, from, at];
  }
}

function nameOf(object: Buffer, from: number, to: number): string {
  const hasEscapes = object.subarray(from, to).includes(BACKSLASH);
  return hasEscapes
    ? (JSON.parse(object.toString('utf8', from, to)) as string)
    : object.toString('utf8', from + 1, to - 1);
}

function valueEnd(object: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  while (at < object.length) {
    const byte = object[at] as number;
    if (byte === QUOTE) {
      at = stringEnd(object, at + 1, object.length);
      if (depth === 0) return at;
      continue;
    }
    const isOpening = byte === 0x7b || byte === 0x5b;
    const isClosing = byte === CLOSING_BRACE || byte === 0x5d;
    if (depth === 0 && (isClosing || byte === COMMA)) return at;
    if (isOpening) depth += 1;
    if (isClosing) depth -= 1;
    at += 1;
    if (isClosing && depth === 0) return at;
  }
  return at;
}

function afterSpace(object: Buffer, from: number): number {
  let at = from;
  while (at < object.length && (object[at] as number) <= 0x20) at += 1;
  return at;
}
