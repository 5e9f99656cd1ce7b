import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { EXPIRES } from '../../../lib/dynamodb/keys.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { listRecordedLetters } from '../../../lib/replay/dead-letters/list-recorded.ts';
import { planRedrive } from '../../../lib/replay/replay/redrive.ts';
import { startReplay } from '../../../lib/replay/replay/replay.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { type Place, test } from '../../support/place.ts';
import { deleteItems } from '../../support/state-items.ts';
import {
  connectAs,
  consumeWith,
  openSubject,
  requestOf,
  type Subject,
  soon,
  untilDone,
} from '../replay/subject.ts';

/** As DynamoDB does when their time is over. */
const expireItems = (place: Place) => deleteItems(place, (item) => EXPIRES in item);

describe('long after the records of their batches expired, dead letters', () => {
  test('are known to the audit, and redriven', async ({ place }) => {
    const subject = await openSubject(place);
    const strict = await consumeWithLetters(place, subject);
    expect(await expireItems(place)).toBeGreaterThan(0);
    expect(await audit(strict, {}, { deadline: soon() })).toMatchObject({
      ...{ exact: true, rows: 2, missing: 0, deadLetters: 2 },
    });

    const mended = await connectAs(place, {
      ...strict.pipeline,
      source: { format: 'json', fields: { id: 'String' } },
      columns: { id: 'toUInt64OrDefault(id, toUInt64(99))' },
    });
    const plan = await planRedrive(mended, requestOf(mended.pipeline, { mode: 'redrive' }), soon());
    expect(plan.ranges).toMatchObject([{ deadLetters: 2 }]);
    const record = await startReplay(mended, plan, 'a test', soon());
    expect(await untilDone(mended, record, mended)).toMatchObject({ done: true });
    await expireItems(place);
    expect(await audit(mended, {}, { deadline: soon() })).toMatchObject({
      ...{ exact: true, rows: 3, missing: 0, foreign: 0, deadLetters: 1 },
    });
    await strict.close();
    await mended.close();
    await subject.close();
  });

  test('are not taken for such again where a redrive that was given up has made rows of them', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    const strict = await consumeWithLetters(place, subject);
    const mended = await connectAs(place, {
      ...strict.pipeline,
      source: { format: 'json', fields: { id: 'String' } },
      columns: { id: 'toUInt64OrDefault(id, toUInt64(99))' },
    });
    const plan = await planRedrive(mended, requestOf(mended.pipeline, { mode: 'redrive' }), soon());
    const record = await startReplay(mended, plan, 'a test', soon());
    await untilDone(mended, record, mended);
    const replays = { ...mended.replays };
    const given = {
      ...mended,
      replays: {
        ...replays,
        readReplays: async (...call: Parameters<typeof replays.readReplays>) =>
          (await mended.replays.readReplays(...call)).map((found) => ({
            ...found,
            status: 'cancelled' as const,
          })),
      },
    };
    await expireItems(place);
    expect(await audit(given, {}, { deadline: soon() })).toMatchObject({
      ...{ exact: true, rows: 3, missing: 0, foreign: 0, deadLetters: 1 },
    });
    await strict.close();
    await mended.close();
    await subject.close();
  });
});

test('dead letters that an earlier version recorded are found while their records are there, and listed for ever by init', async ({
  place,
}) => {
  const subject = await openSubject(place);
  const strict = await consumeWithLetters(place, subject);
  const listed = await deleteItems(place, ({ item }) => item?.S?.startsWith('letters#') ?? false);
  expect(listed).toBeGreaterThan(0);
  expect(await audit(strict, {}, { deadline: soon() })).toMatchObject({ exact: true, deadLetters: 2 });
  const request = requestOf(strict.pipeline, { mode: 'redrive' });
  expect((await planRedrive(strict, request, soon())).ranges).toMatchObject([{ deadLetters: 2 }]);
  // What `init` does, after an upgrade.
  expect(await listRecordedLetters(strict, soon())).toBe(listed);
  expect(await listRecordedLetters(strict, soon())).toBe(0);
  expect(await expireItems(place)).toBeGreaterThan(0);
  expect((await planRedrive(strict, request, soon())).ranges).toMatchObject([{ deadLetters: 2 }]);
  await strict.close();
  await subject.close();
});

/** Two rows and two dead letters, of a wrong type and of no JSON. */
async function consumeWithLetters(place: Place, { pipeline }: Subject) {
  const serviceUrl = place.environment['PULSAR_SERVICE_URL'] ?? '';
  const producer = await openProducer(
    { serviceUrl, environment, log: silentLog },
    `${pipeline.topic}-partition-0`,
  );
  for (const texts of [
    ['{"id":1}', '{"id":"a word"}'],
    ['no JSON', '{"id":4}'],
  ]) {
    await producer.sendBatch(texts.map((text) => ({ payload: Buffer.from(text) })));
  }
  await producer.close();
  const tolerant = { ...pipeline, deadLetters: { enabled: true, maxRatio: 1, minimum: 10 } };
  const dependencies = await connectAs(place, tolerant);
  expect(await consumeWith(dependencies)).toMatchObject({ rows: 2, deadLetters: 2 });
  return dependencies;
}
