import { expect } from 'vitest';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { openProducer } from '../../../lib/pulsar/wire/producer.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { test } from '../../support/place.ts';
import { prepare } from '../cli/subject.ts';

test('dead letters can be looked at, page by page, by reason, and one whole', async ({ place, signal }) => {
  const { commands, ddl, topic } = await prepare(place, signal, { partitions: 2 });
  await commands.run('init', '--ddl', ddl);
  const wire = { serviceUrl: place.environment['PULSAR_SERVICE_URL'] ?? '', environment, log: silentLog };
  const binary = Buffer.from([0x1f, 0x8b, 0x08, 0xff]);
  for (const partition of [0, 1]) {
    const producer = await openProducer(wire, `${topic}-partition-${partition}`);
    await producer.sendBatch([
      { payload: Buffer.from('{"id":1}') },
      {
        payload: Buffer.from('nö JSON'),
        key: `key ${partition}`,
        properties: { unit: '°C' },
        eventTime: 1_790_000_000_123,
      },
      { payload: Buffer.from('{"id":"a word"}'), key: 'a key', properties: { by: 'hand' } },
    ]);
    await producer.send({ payload: binary });
    await producer.close();
  }
  const before = new Date(environment.now() - 3_600_000).toISOString();
  expect(await commands.run('consume', '--until', 'drained')).toMatchObject({ code: 0 });

  const list = async (...options: string[]) => {
    const { code, answer } = await commands.run('dead-letters', 'list', ...options);
    expect(code).toBe(0);
    return answer as {
      readonly deadLetters: readonly { readonly id: string }[];
      readonly next: string | null;
    };
  };
  const all = await list();
  expect(all.next).toBeNull();
  expect(all.deadLetters).toMatchObject(
    [0, 1].flatMap((partition) => [
      {
        ...{ partition, index: 1, key: `key ${partition}`, properties: { unit: '°C' } },
        ...{ eventTime: '2026-09-21T14:13:20.123Z', encoding: 'utf8', payload: 'nö JSON' },
        publishTime: expect.stringMatching(/^20.*Z$/),
        producer: expect.stringMatching(/./),
        reason: expect.stringMatching(/JSON/),
      },
      { partition, index: 2, encoding: 'utf8', payload: '{"id":"a word"}' },
      { partition, index: 0, encoding: 'base64', payload: binary.toString('base64') },
    ]),
  );

  const ids = all.deadLetters.map(({ id }) => id);
  const paged: string[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page = await list('--limit', '2', ...(after === '' ? [] : ['--after', after]));
    paged.push(...page.deadLetters.map(({ id }) => id));
    after = page.next;
  }
  expect(paged).toEqual(ids);

  expect((await list('--partition', '1')).deadLetters.map(({ id }) => id)).toEqual(ids.slice(3));
  expect((await list('--since', before)).deadLetters).toHaveLength(6);
  expect((await list('--until', before)).deadLetters).toHaveLength(0);
  expect((await list('--reason', 'GZIP')).deadLetters).toHaveLength(2);
  const { answer } = await commands.run('dead-letters', 'list', '--by-reason');
  const { reasons } = answer as {
    readonly reasons: readonly { readonly count: number; readonly first: string }[];
  };
  expect(answer).toMatchObject({ deadLetters: 6 });
  expect(reasons.map(({ count }) => count)).toEqual([2, 2, 2]);
  expect(reasons.map(({ first }) => first).sort()).toEqual(ids.slice(0, 3).sort());

  const [, second = ''] = ids;
  expect(await commands.run('dead-letters', 'show', second)).toMatchObject({
    code: 0,
    answer: {
      deadLetters: [{ id: second, payload: '{"id":"a word"}', key: 'a key', properties: { by: 'hand' } }],
    },
  });
  const entry = second.slice(0, second.indexOf('#'));
  expect(await commands.run('dead-letters', 'show', entry)).toMatchObject({
    answer: { deadLetters: [{ index: 1 }, { index: 2 }] },
  });
  expect(await commands.run('dead-letters', 'show', '0/0:0#0')).toMatchObject({ code: 1 });
  expect(await commands.run('dead-letters', 'show', 'here')).toMatchObject({ code: 2 });
  expect(await commands.run('dead-letters', 'list', '--since', 'yesterday')).toMatchObject({ code: 2 });
});
