import { describe, expect, onTestFinished, vi } from 'vitest';
import { type GatewayOptions, openGateway } from '../../support/clickhouse-gateway.ts';
import { publishPayloads } from '../../support/events.ts';
import { type Place, test } from '../../support/place.ts';
import { openPayloads } from '../bad-data/subject.ts';
import { UsersSubject } from '../bad-data/users-subject.ts';

async function openProxy(
  place: Place,
  options: Partial<GatewayOptions>,
): Promise<{ CLICKHOUSE_URL: string }> {
  const target = place.environment['CLICKHOUSE_URL'] ?? '';
  const gateway = await openGateway(target, { path: '', isStripping: true, ...options });
  onTestFinished(() => gateway.close());
  return { CLICKHOUSE_URL: `http://127.0.0.1:${gateway.port}` };
}

async function openSubject(place: Place, proxied: { CLICKHOUSE_URL: string }): Promise<UsersSubject> {
  const subject = new UsersSubject(place, '', 'events', { database: place.database });
  await subject.makeTopic();
  await subject.init(proxied);
  await subject.publish();
  expect(await subject.consume(proxied)).toMatchObject({ outcome: 'drained', rows: 20 });
  expect(await subject.audit(proxied)).toMatchObject({ exact: true, rows: 20 });
  const payloads = ['{"id":111}', '{"id":"no number"}'];
  await publishPayloads(place.environment, `${subject.pipeline.topic}-partition-0`, payloads);
  return subject;
}

const ONE_OF_EACH = { outcome: 'drained', rows: 1, deadLetters: 1 };

const answersIn = (found: readonly { readonly check: string }[]) =>
  found.filter(({ check }) => check === 'answers');

test('an insert that was answered without a count is not believed: rows that are missing are sent again', async ({
  place,
}) => {
  const payloads = await openPayloads(place, {
    ...{ fields: { id: 'UInt64' }, columns: { id: 'id' }, table: 'id UInt64' },
    also: { batch: { maxRows: 10, inFlight: 1, maxWait: '100ms' } },
  });
  for (const from of [0, 10, 20])
    await payloads.publish(Array.from({ length: 10 }, (_, index) => `{"id":${from + index}}`));
  const { sink } = payloads.ports;
  const real = sink.insert.bind(sink);
  let sends = 0;
  // The first batches of an invocation are looked at in any case: the third is not.
  vi.spyOn(sink, 'insert').mockImplementation(async (send) => {
    sends += 1;
    return sends === 3 ? { kind: 'stored', isUncounted: true } : real(send);
  });
  expect(await payloads.consume()).toMatchObject({ outcome: 'drained', batches: 3, rows: 30 });
  expect(sends).toBe(4);
  expect(await payloads.rows('count(), uniqExact(id)')).toBe('30\t30\n');
  await payloads.close();
});

describe('a proxy that takes X-ClickHouse-* out of the answers', () => {
  test('costs a question a batch: rows are stored once, bad messages are dead letters, doctor names it', async ({
    place,
  }) => {
    const proxied = await openProxy(place, {});
    const subject = await openSubject(place, proxied);
    expect(await subject.consume(proxied)).toMatchObject(ONE_OF_EACH);
    expect(await subject.audit(proxied)).toMatchObject({ exact: true });
    const fix = expect.stringContaining('Let the proxy in front of ClickHouse pass');
    expect(answersIn(await subject.diagnose(proxied))).toMatchObject([
      { verdict: 'mind', message: expect.stringContaining('X-ClickHouse-Summary'), fix },
      { verdict: 'mind', message: expect.stringContaining('X-ClickHouse-Exception-Code'), fix },
    ]);
    expect(answersIn(await subject.diagnose({}))).toMatchObject([{ verdict: 'good' }]);
  });

  test('and puts pages of its own in place of errors ends the invocation, is named, and is got over', async ({
    place,
  }) => {
    const proxied = await openProxy(place, { ownPageFrom: 400 });
    const subject = await openSubject(place, proxied);
    await expect(subject.consume(proxied)).rejects.toMatchObject({
      code: 'PH_INSERT_UNANSWERED',
      message: expect.stringMatching(/HTTP status \d+ without an error of ClickHouse's own/),
      nextStep: expect.stringContaining('Let the proxy in front of ClickHouse pass'),
    });
    const found = await subject.diagnose(proxied);
    expect(answersIn(found)).toContainEqual(
      expect.objectContaining({ verdict: 'wrong', message: expect.stringContaining('does not arrive') }),
    );
    // What status and doctor say of the partition meanwhile.
    expect(found).toContainEqual(
      expect.objectContaining({
        check: 'state',
        message: expect.stringMatching(/partition 0.* failed try .*HTTP status/),
        fix: expect.stringContaining('Let the proxy in front of ClickHouse pass'),
      }),
    );
    expect(await subject.consume({})).toMatchObject(ONE_OF_EACH);
  });
});
