import { randomBytes } from 'node:crypto';
import { describe, expect } from 'vitest';
import { test } from '../../support/place.ts';
import { openPayloads, type Payload } from './subject.ts';

const IDS = { fields: { id: 'UInt64' }, columns: { id: 'id' }, table: 'id UInt64' };
const ENTRIES = 60;
const MESSAGES_AN_ENTRY = 1_000;
/** With the defaults 1 % of 200,000 is tolerated; one entry more tells that there are too many. */
const MOST_LOOKED_AT = 2_000 + MESSAGES_AN_ENTRY;

describe('a topic of another format', () => {
  test.for<[string, () => Payload, RegExp]>([
    ['JSON arrays', () => '[{"id":1}]', /is a JSON array/],
    ['Avro', () => Buffer.from('0206666f6f0000', 'hex'), /is binary and no JSON/],
    ['random bytes', () => Buffer.concat([Buffer.of(0xff), randomBytes(300)]), /payload is /],
  ])('of %s halts for its ratio before a batch of it is full', async ([, payload, reason], { place }) => {
    const subject = await openPayloads(place, IDS);
    const entry = () => Array.from({ length: MESSAGES_AN_ENTRY }, payload);
    await subject.publish(...Array.from({ length: ENTRIES }, entry));
    const { outcome, halt } = await subject.consume();
    expect(outcome).toBe('halted');
    expect(halt?.code).toBe('PH_HALT_DEAD_LETTER_RATIO');
    expect(halt?.reason).toMatch(reason);
    const [, bad, of] = /(\d+) of (\d+) messages cannot become rows/.exec(halt?.reason ?? '') ?? [];
    expect(bad).toBe(of);
    expect(Number(of)).toBeGreaterThan(2_000);
    expect(Number(of)).toBeLessThanOrEqual(MOST_LOOKED_AT);
    await subject.close();
  });
});
