import { describe, expect, onTestFinished } from 'vitest';
import { COMPRESSIONS, hasZstd } from '../../../lib/clickhouse/compression/compression.ts';
import { Server } from '../../../lib/clickhouse/server.ts';
import { ClickHouseSink } from '../../../lib/clickhouse/sink.ts';
import { entryOf, payload, UNFIT } from '../../contract/sink/messages.ts';
import { openGateway } from '../../support/clickhouse-gateway.ts';
import { countAll, insert } from './sending.ts';
import { type SinkTable, test } from './sink-table.ts';

/** What this Node can send; that zstd is refused where it cannot is tested with the settings. */
const SENT = COMPRESSIONS.filter((compression) => compression !== 'zstd' || hasZstd);
if (!hasZstd) process.stdout.write(`zstd is not sent: Node ${process.versions.node} has none\n`);

/** The same table through a gateway that sees what is sent. */
async function openSent(table: SinkTable, compression: (typeof SENT)[number]) {
  const target = table.credentials.endpoints[0]?.url ?? '';
  const gateway = await openGateway(target, { path: '/behind' });
  const endpoints = [{ url: `http://127.0.0.1:${gateway.port}/behind` }];
  const server = new Server({ ...table.credentials, endpoints, compression });
  const sink = new ClickHouseSink(table.mapping, server, { now: () => Date.now() });
  onTestFinished(async () => {
    await sink.close();
    await gateway.close();
  });
  return { gateway, sent: { ...table, sink, server } };
}

describe.each(SENT)('a body sent by %s', (compression) => {
  test('is stored once and counted, whatever its length', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const { gateway, sent } = await openSent(table, compression);
    const body = sent.sink.newBody(0);
    for (let entry = 0; entry < 30; entry++)
      body.add(
        entryOf(
          1,
          entry,
          Array.from({ length: 1_000 }, (_, index) =>
            JSON.stringify({
              day: '2026-01-05',
              value: 1_000 * entry + index,
              note: `message ${index * 7919}`,
            }),
          ),
        ),
      );
    expect(body.encodedBytes).toBeGreaterThan(2 * 1024 * 1024);
    const send = { token: sent.uniqueId(), queryId: sent.uniqueId(), notAfter: Date.now() + 30_000 };
    const outcome = await sent.sink.insert({ body, ...send, deadline: sent.deadline() });
    expect(outcome).toEqual({ kind: 'stored' });
    expect(gateway.headers['content-encoding']).toBe(compression === 'none' ? undefined : compression);
    // The same token by another way of sending stores nothing.
    const again = await table.sink.insert({
      body,
      ...send,
      queryId: sent.uniqueId(),
      deadline: sent.deadline(),
    });
    expect(again).toEqual({ kind: 'stored' });
    expect(await table.query(`SELECT count(), sum(value), uniqExact(value) FROM ${table.name}`)).toBe(
      `30000\t${(30_000 * 29_999) / 2}\t30000\n`,
    );
  });

  test('is answered with the same error', async ({ openTable }) => {
    const table = await openTable({ window: 100 });
    const { sent } = await openSent(table, compression);
    const payloads = [payload(), UNFIT];
    const outcomes = [await insert(table, payloads), await insert(sent, payloads)];
    const [plain, compressed] = outcomes.map((outcome) =>
      outcome.kind === 'answered' ? { ...outcome, error: outcome.error.code } : outcome,
    );
    expect(plain).toMatchObject({ kind: 'answered', meaning: 'data', error: 'PH_VALUE_REFUSED' });
    expect(compressed).toEqual(plain);
    expect(await countAll(table)).toBe(0);
  });
});
