import { isUtf8 } from 'node:buffer';
import type { FoundLetter } from './find.ts';
import { formatPlace } from './place.ts';

/** A dead letter as programs and people read it: times as ISO 8601, the payload as text where it is one. */
export interface DescribedLetter {
  /** `partition/ledger:entry#index`, what `show` takes. */
  readonly id: string;
  readonly partition: number;
  readonly position: string;
  readonly index: number;
  readonly publishTime: string;
  readonly reason: string;
  readonly key?: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly eventTime?: string;
  readonly producer?: string;
  readonly sequenceId?: number;
  readonly encoding: 'utf8' | 'base64';
  readonly payload: string;
}

export function describeLetter(found: FoundLetter): DescribedLetter {
  const { partition, letter } = found;
  const { position, index, reason, key, properties, eventTime, producer, sequenceId } = letter;
  const payload = Buffer.from(letter.payload, 'base64');
  const isText = isUtf8(payload) && !payload.includes(0);
  return {
    id: formatPlace(found),
    partition,
    position,
    index,
    publishTime: new Date(letter.publishTime).toISOString(),
    reason,
    ...(key !== undefined && { key }),
    ...(properties && { properties }),
    ...(eventTime !== undefined && { eventTime: isoTime(eventTime) }),
    ...(producer !== undefined && { producer }),
    ...(sequenceId !== undefined && { sequenceId }),
    encoding: isText ? 'utf8' : 'base64',
    payload: isText ? payload.toString('utf8') : letter.payload,
  };
}

/** A producer may set any number. */
function isoTime(milliseconds: number): string {
  const time = new Date(milliseconds);
  return Number.isNaN(time.getTime()) ? String(milliseconds) : time.toISOString();
}
