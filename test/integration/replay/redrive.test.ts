import { describe, expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { audit } from '../../../lib/replay/audit/audit.ts';
import { planRedrive } from '../../../lib/replay/replay/redrive.ts';
import { startReplay } from '../../../lib/replay/replay/replay.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { test } from '../../support/place.ts';
import { connectAs, consumeWith, openSubject, requestOf, soon, untilDone } from './subject.ts';

describe('redrive', () => {
  test('dead letters become rows at their own positions once the mapping takes them, without Pulsar', async ({
    place,
  }) => {
    const subject = await openSubject(place);
    const wire = { serviceUrl: place.environment['PULSAR_SERVICE_URL'] ?? '', environment, log: silentLog };
    const producer = await openProducer(wire, `${subject.pipeline.topic}-partition-0`);
    const payload = (id: unknown) => ({ payload: Buffer.from(JSON.stringify({ id })) });
    await producer.sendBatch([payload(1), payload('two'), payload(3)]);
    await producer.sendBatch([payload('four'), { payload: Buffer.from('not json') }, payload(6)]);
    await producer.close();
    const strict = { ...subject.pipeline, deadLetters: { enabled: true, maxRatio: 1, minimum: 10 } };
    const before = await connectAs(place, strict);
    expect(await consumeWith(before)).toMatchObject({ rows: 3, deadLetters: 3 });
    expect(await audit(before, {}, { deadline: soon() })).toMatchObject({
      exact: true,
      rows: 3,
      deadLetters: 3,
    });

    const mended = await connectAs(place, {
      ...strict,
      source: { format: 'json', fields: { id: 'String' } },
      columns: { id: 'toUInt64OrDefault(id, toUInt64(length(id)))' },
    });
    const request = requestOf(mended.pipeline, { mode: 'redrive' });
    const plan = await planRedrive(mended, request, soon());
    expect(plan.ranges).toMatchObject([{ deadLetters: 3 }]);
    const deaf = {
      ...mended,
      transport: { ...mended.transport, openReader: () => Promise.reject(new Error('Pulsar was asked')) },
    };
    const record = await startReplay(deaf, plan, 'a test', soon());
    expect(await untilDone(deaf, record, mended)).toMatchObject({ done: true });
    expect(
      await place.query(`SELECT id, _index FROM ${subject.table} ORDER BY _entry, _index FORMAT TSV`),
    ).toBe('1\t0\n3\t1\n3\t2\n4\t0\n6\t2\n');
    const report = await audit(mended, {}, { deadline: soon() });
    expect(report).toMatchObject({ exact: true, rows: 5, deadLetters: 1 });
    expect((await planRedrive(mended, request, soon())).ranges).toMatchObject([{ deadLetters: 1 }]);
    await before.close();
    await mended.close();
    await subject.close();
  });
});
