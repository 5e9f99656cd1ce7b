import { formatPosition } from '../pipeline/position.ts';
import type { BadMessage } from '../ports/sink.ts';

const NEWLINE = 0x0a;

/** One line of a dead-letter object. What is optional was unknown, or not yet written by the build that wrote the line. */
export interface DeadLetter {
  readonly position: string;
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly publishTime: number;
  readonly reason: string;
  /** The payload as it came, base64. */
  readonly payload: string;
  readonly key?: string;
  readonly properties?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch, as the producer set it. */
  readonly eventTime?: number;
  /** Name of the producer. */
  readonly producer?: string;
  readonly sequenceId?: number;
}

/** The body of a dead-letter object: a line a message. All of them may be longer than the longest string there can be. */
export function formatDeadLetters(messages: readonly BadMessage[]): Buffer {
  return Buffer.concat(messages.map((message) => Buffer.from(`${JSON.stringify(toLine(message))}\n`)));
}

export function parseDeadLetters(body: Uint8Array): readonly DeadLetter[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const letters: DeadLetter[] = [];
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, from);
    const to = newline === -1 ? bytes.length : newline;
    if (to > from) letters.push(JSON.parse(bytes.toString('utf8', from, to)) as DeadLetter);
    from = to + 1;
  }
  return letters;
}

function toLine({ position, index, publishTime, reason, payload, metadata }: BadMessage): DeadLetter {
  const { key, properties, eventTime, producer, sequenceId } = metadata ?? {};
  return {
    position: formatPosition(position),
    index,
    publishTime,
    reason,
    ...(key !== undefined && { key }),
    ...(properties && Object.keys(properties).length > 0 && { properties }),
    ...(eventTime && { eventTime }),
    ...(producer !== undefined && { producer }),
    ...(sequenceId !== undefined && { sequenceId }),
    payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64'),
  };
}
