import { formatPosition } from '../pipeline/position.ts';
import type { BadMessage } from '../ports/sink.ts';

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

/** The body of a dead-letter object: a line a message. */
export function formatDeadLetters(messages: readonly BadMessage[]): Buffer {
  return Buffer.from(messages.map((message) => `${JSON.stringify(toLine(message))}\n`).join(''));
}

export function parseDeadLetters(body: Uint8Array): readonly DeadLetter[] {
  const lines = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as DeadLetter);
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
