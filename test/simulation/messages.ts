import type { ErrorCode } from '../../lib/pipeline/error-codes.ts';
import type { NullValues } from '../../lib/pipeline/pipeline.ts';
import type { Position } from '../../lib/pipeline/position.ts';
import { COMPACTED_AWAY, type Entry, NULL_VALUE } from '../../lib/ports/transport.ts';
import type { IncomingRow } from './fakes/clickhouse.ts';
import type { Random } from './random.ts';

/**
 * What a message ought to become. `gone` no longer exists, compacted away. One without a value is left out or a dead letter,
 * by what the file said when its batch was intended. One that meets one condition and not the other is a row or left out, by
 * what its batch was sent with.
 */
export type Kind =
  | 'row'
  | 'dead letter'
  | 'left out'
  | 'left out or dead letter'
  | 'left out or row'
  | 'gone';

/** An entry and what each of its messages ought to become: the truth that the checker goes by. */
export interface SimulatedEntry extends Entry {
  readonly kinds: readonly Kind[];
  /** What a reader says that meets it: nothing of it can be read. */
  readonly unreadable?: ErrorCode;
}

/** What stops a partition at one entry. */
export const UNREADABLE = [
  'PH_PULSAR_CHECKSUM',
  'PH_PULSAR_CODEC_UNKNOWN',
  'PH_PULSAR_ENCRYPTED',
  'PH_PULSAR_ENTRY_TOO_LARGE',
  'PH_PULSAR_MALFORMED',
] as const satisfies readonly ErrorCode[];

export interface MessageTrouble {
  /** Share of messages that cannot become rows. */
  readonly bad: number;
  /** Table partitions the rows spread over. */
  readonly days: number;
  /** `source.nullValues` as the invocations have it: each picks one. */
  readonly nullValues: readonly [NullValues, ...NullValues[]];
}

interface Message {
  readonly kind: Kind;
  /** A number where there is no payload: NULL_VALUE or COMPACTED_AWAY. */
  readonly payload: string | number;
}

export function makeEntry(
  position: Position,
  publishTime: number,
  random: Random,
  trouble: MessageTrouble,
  conditions?: Unmet,
): SimulatedEntry {
  const messages = Array.from({ length: random.between(1, 4) }, () => {
    const message = makeMessage(random, trouble);
    return conditions ? perhapsUnmet(message, conditions) : message;
  });
  const bounds = new Int32Array(2 * messages.length);
  let data = '';
  for (const [index, { payload }] of messages.entries()) {
    const text = typeof payload === 'string' ? payload : '';
    bounds[2 * index] = typeof payload === 'string' ? data.length : -1;
    data += text;
    bounds[2 * index + 1] = typeof payload === 'string' ? data.length : payload;
  }
  return {
    position,
    firstPosition: position,
    publishTime,
    count: messages.length,
    data: Buffer.from(data, 'latin1'),
    dataBytes: data.length,
    bounds,
    messages: messages.filter(({ kind }) => kind !== 'gone').length,
    wireBytes: data.length,
    brokerIndex: undefined,
    schemaVersion: undefined,
    metadata: () => ({ key: undefined, properties: {}, eventTime: 0, sequenceId: 0 }),
    kinds: messages.map(({ kind }) => kind),
  };
}

export function makeUnreadable(position: Position, publishTime: number, random: Random): SimulatedEntry {
  return {
    position,
    firstPosition: position,
    publishTime,
    count: 0,
    data: new Uint8Array(),
    dataBytes: 0,
    bounds: new Int32Array(),
    messages: 0,
    wireBytes: 0,
    brokerIndex: undefined,
    schemaVersion: undefined,
    metadata: () => ({ key: undefined, properties: {}, eventTime: 0, sequenceId: 0 }),
    kinds: [],
    unreadable: random.pick(UNREADABLE),
  };
}

function makeMessage(random: Random, { bad, days, nullValues }: MessageTrouble): Message {
  if (random.chance(bad)) {
    return random.pick<Message>([
      { kind: 'dead letter', payload: '{"value":"no number","day":"0"}' },
      { kind: 'dead letter', payload: '{"value":"no value of the column","day":"0"}' },
      { kind: 'dead letter', payload: '{"value":"no key of the table","day":"0"}' },
      { kind: 'dead letter', payload: 'no JSON at all' },
      { kind: withoutValue(nullValues), payload: NULL_VALUE },
      { kind: withoutValue(nullValues), payload: '' },
      { kind: 'gone', payload: COMPACTED_AWAY },
    ]);
  }
  return { kind: 'row', payload: `{"value":1,"day":"${random.between(0, days - 1)}"}` };
}

/** Which conditions messages do not meet. */
export interface Unmet {
  readonly random: Random;
  readonly by: readonly ['both', ...NonNullable<IncomingRow['unmet']>[]];
}

/** What cannot be read is bad whatever a condition says; what cannot be stored is never tried where it does not meet it. */
function perhapsUnmet(message: Message, { random, by }: Unmet): Message {
  const { kind, payload } = message;
  if (!random.chance(random.pick([0, 0.5, 1])) || typeof payload !== 'string') return message;
  const unmet = kind === 'row' ? random.pick(by) : 'both';
  if (!payload.startsWith('{') || payload.includes('"no number"')) return message;
  const left: Kind = unmet === 'both' ? 'left out' : 'left out or row';
  return { kind: left, payload: `{"unmet":"${unmet}",${payload.slice(1)}` };
}

function withoutValue(nullValues: readonly NullValues[]): Kind {
  if (!nullValues.includes('deadLetter')) return 'left out';
  return nullValues.includes('skip') ? 'left out or dead letter' : 'dead letter';
}
