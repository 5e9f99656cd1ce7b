import { describe, expect } from 'vitest';
import type { EmptyStrings } from '../../../lib/pipeline/pipeline.ts';
import { planRedrive } from '../../../lib/replay/replay/redrive.ts';
import { startReplay } from '../../../lib/replay/replay/replay.ts';
import { test } from '../../support/place.ts';
import { connectAs, requestOf, soon, untilDone } from '../replay/subject.ts';
import { openPayloads } from './subject.ts';

const NUMBERS = {
  fields: { id: 'UInt64', x: 'Nullable(Int64)', name: 'String' },
  columns: { id: 'id', x: 'x', name: 'name' },
  table: 'id UInt64, x Nullable(Int64), name String',
};
const PAYLOADS = ['{"id":1,"x":5,"name":""}', '{"id":2,"x":"","name":"a"}', '{"id":3,"x":null,"name":"b"}'];

describe('an empty string where a number belongs', () => {
  test.for<[EmptyStrings | undefined, number, string]>([
    [undefined, 1, '1\t5\n3\t\\N\n'],
    ['deadLetter', 1, '1\t5\n3\t\\N\n'],
    ['null', 0, '1\t5\n2\t\\N\n3\t\\N\n'],
    ['default', 0, '1\t5\n2\t0\n3\t\\N\n'],
  ])('emptyStrings %s', async ([emptyStrings, deadLetters, rows], { place }) => {
    const source = emptyStrings && { emptyStrings };
    const subject = await openPayloads(place, { ...NUMBERS, ...(source && { source }) });
    await subject.publish(PAYLOADS);
    expect(await subject.consume()).toMatchObject({ outcome: 'drained', messages: 3, deadLetters });
    expect(await subject.rows('id, x', 'ORDER BY id')).toBe(rows);
    expect(await subject.audit()).toMatchObject({ exact: true, deadLetters });
    await subject.close();
  });

  test('comes in by a redrive once the file says that it is NULL', async ({ place }) => {
    const subject = await openPayloads(place, NUMBERS);
    await subject.publish(PAYLOADS);
    expect(await subject.consume()).toMatchObject({ rows: 2, deadLetters: 1 });
    const { source } = subject.pipeline;
    const changed = await connectAs(place, {
      ...subject.pipeline,
      source: { ...source, emptyStrings: 'null' },
    });
    const plan = await planRedrive(changed, requestOf(changed.pipeline, { mode: 'redrive' }), soon());
    const record = await startReplay(changed, plan, 'a test', soon());
    expect(await untilDone(changed, record)).toMatchObject({ done: true });
    expect(await subject.rows('id, x', 'ORDER BY id')).toBe('1\t5\n2\t\\N\n3\t\\N\n');
    expect(await subject.audit()).toMatchObject({ exact: true, rows: 3, deadLetters: 0 });
    await changed.close();
    await subject.close();
  });
});

test('a null for an Enum without an element 0 is a dead letter: its column stays readable', async ({
  place,
}) => {
  const type = "Enum8('a' = 1, 'b' = 2)";
  const subject = await openPayloads(place, {
    fields: { id: 'UInt64', x: type },
    columns: { id: 'id', x: 'x' },
    table: `id UInt64, x ${type}`,
    source: { emptyStrings: 'default' },
  });
  await subject.publish(['{"id":1,"x":"b"}', '{"id":2,"x":null}', '{"id":3}']);
  expect(await subject.consume()).toMatchObject({ rows: 2, deadLetters: 1 });
  expect(await subject.rows('id, x', 'ORDER BY id')).toBe('1\tb\n3\ta\n');
  await subject.close();
});

test('bytes of a text that are no UTF-8 are stored as they are', async ({ place }) => {
  const subject = await openPayloads(place, {
    fields: { x: 'String' },
    columns: { x: 'x' },
    table: 'x String',
  });
  await subject.publish([Buffer.from('{"x":"caf\u00e9\u00ff"}', 'latin1')]);
  expect(await subject.consume()).toMatchObject({ rows: 1, deadLetters: 0 });
  expect(await subject.rows('hex(x)')).toBe('636166E9FF\n');
  await subject.close();
});
