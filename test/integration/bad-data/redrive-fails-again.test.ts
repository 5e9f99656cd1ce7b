import { expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { findDeadLetters } from '../../../lib/replay/dead-letters/find.ts';
import { planRedrive } from '../../../lib/replay/replay/redrive.ts';
import { startReplay } from '../../../lib/replay/replay/replay.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { test } from '../../support/place.ts';
import { connectAs, consumeWith, openSubject, requestOf, soon, untilDone } from '../replay/subject.ts';

test('a letter that fails again stays one, whatever the server says of it, and holds up nothing', async ({
  place,
}) => {
  const subject = await openSubject(place);
  const { pipeline, table } = subject;
  const serviceUrl = place.environment['PULSAR_SERVICE_URL'] ?? '';
  const topic = `${pipeline.topic}-partition-0`;
  const producer = await openProducer({ serviceUrl, environment, log: silentLog }, topic);
  // One becomes a row; of the others the array cannot be read (130), and the row breaks a CHECK (469).
  const ids = ['[7]', 'a', '[5000]'];
  for (const id of ids) await producer.sendBatch([{ payload: Buffer.from(JSON.stringify({ id })), key: id }]);
  await producer.close();
  const first = await connectAs(place, {
    ...pipeline,
    deadLetters: { enabled: true, maxRatio: 1, minimum: 10 },
  });
  expect(await consumeWith(first)).toMatchObject({ rows: 0, deadLetters: 3 });
  await place.query(`ALTER TABLE ${table} ADD CONSTRAINT small CHECK id < 1000`);

  // What the pipeline tolerates of new messages says nothing of letters that fail again.
  const mended = await connectAs(place, {
    ...pipeline,
    deadLetters: { enabled: true, maxRatio: 0, minimum: 0 },
    source: { format: 'json', fields: { id: 'String' } },
    columns: { id: 'arrayElement(CAST(id AS Array(UInt64)), 1)' },
  });
  const request = requestOf(mended.pipeline, { mode: 'redrive' });
  for (const letters of [3, 2]) {
    const plan = await planRedrive(mended, request, soon());
    expect(plan.ranges).toMatchObject([{ deadLetters: letters }]);
    const record = await startReplay(mended, plan, 'a test', soon());
    const { done, partitions } = await untilDone(mended, record, mended);
    expect({ done, halts: partitions.flatMap(({ halt }) => halt ?? []) }).toEqual({ done: true, halts: [] });
    expect(await place.query(`SELECT id, _entry FROM ${table} FORMAT TSV`)).toBe('7\t0\n');
  }
  const left: string[] = [];
  for await (const { letter } of findDeadLetters(mended, {}, soon())) left.push(letter.key ?? 'no key');
  expect(left).toHaveLength(2);
  expect(await audit(mended, {}, { deadline: soon() })).toMatchObject({
    exact: true,
    rows: 1,
    deadLetters: 2,
  });
  await first.close();
  await mended.close();
  await subject.close();
});
