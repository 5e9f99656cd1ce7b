import { expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { test } from '../../support/place.ts';
import { prepare } from './subject.ts';

test('redrive says how many dead letters are left', async ({ place, signal }) => {
  const { commands, ddl, topic } = await prepare(place, signal);
  await commands.run('init', '--ddl', ddl);
  const wire = { serviceUrl: place.environment['PULSAR_SERVICE_URL'] ?? '', environment, log: silentLog };
  const producer = await openProducer(wire, `${topic}-partition-0`);
  await producer.sendBatch(
    ['{"id":1}', 'no JSON', '{"id":3}'].map((text) => ({ payload: Buffer.from(text) })),
  );
  await producer.close();
  expect(await commands.run('consume', '--until', 'drained')).toMatchObject({
    code: 0,
    answer: { partitions: [{ rows: 2, deadLetters: 1 }] },
  });
  expect(await commands.run('redrive')).toMatchObject({ code: 0, answer: { dryRun: true, deadLetters: 1 } });
  expect(await commands.run('redrive', '--yes')).toMatchObject({
    code: 0,
    answer: { status: 'complete', deadLetters: 1 },
  });
});
