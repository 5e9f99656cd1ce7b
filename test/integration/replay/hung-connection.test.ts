import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import { describe, expect } from 'vitest';
import { withCallDeadlines } from '../../../lib/assembly/call-deadlines.ts';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { BEFORE_ALL, LAST_OF_ALL } from '../../../lib/pipeline/position.ts';
import { test } from '../../support/place.ts';
import { FaultProxy } from '../pulsar/fault-proxy.ts';
import { connectAs, openSubject, soon } from './subject.ts';

/** As long as a command may last: a call that waited for it would outlast every test. */
const COMMAND_TIME = 3_600_000;

describe('one hung connection does not hang a command', () => {
  test('to Pulsar', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(3);
    const topic = `${subject.pipeline.topic}-partition-0`;
    const last = await subject.dependencies.transport.lastPosition(topic, soon());
    const proxy = await FaultProxy.open(place.environment['PULSAR_SERVICE_URL'] ?? '');
    const { close, ...ports } = await connectAs(
      { ...place, environment: { ...place.environment, PULSAR_SERVICE_URL: proxy.serviceUrl } },
      subject.pipeline,
    );
    const { transport } = withCallDeadlines({ transport: ports.transport }, environment);
    const deadline = environment.now() + COMMAND_TIME;
    expect(await transport.lastPosition(topic, deadline)).toEqual(last);
    const opened = proxy.connections;
    proxy.decide = ({ connection }) => (connection < opened ? 'swallow' : 'pass');
    expect(await transport.lastPosition(topic, deadline)).toEqual(last);
    expect(proxy.connections).toBeGreaterThan(opened);
    await close();
    await proxy.close();
    await subject.close();
  });

  test('to ClickHouse', async ({ place }) => {
    const subject = await openSubject(place);
    await subject.publish(3);
    await subject.consumeAll();
    const gate = await openGate(Number(new URL(place.environment['CLICKHOUSE_URL'] ?? '').port));
    const { close, ...ports } = await connectAs(
      { ...place, environment: { ...place.environment, CLICKHOUSE_URL: gate.url } },
      subject.pipeline,
    );
    const { sink } = withCallDeadlines({ sink: ports.sink }, environment);
    const range = { partition: 0, after: BEFORE_ALL, to: LAST_OF_ALL };
    const found = await sink.countRows(range, environment.now() + COMMAND_TIME);
    expect(found).toEqual({ rows: 30, distinct: 30 });
    expect(gate.connections()).toBe(2);
    await close();
    await gate.close();
    await subject.close();
  });
});

/** Takes its first connection and never says anything on it; the others reach the server. */
async function openGate(port: number) {
  const sockets: Socket[] = [];
  let accepted = 0;
  const server = createServer((client) => {
    accepted += 1;
    sockets.push(client.on('error', () => undefined));
    if (accepted === 1) return;
    const upstream = dial({ host: '127.0.0.1', port }).on('error', () => undefined);
    sockets.push(upstream);
    client.pipe(upstream).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the gate has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    connections: () => accepted,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
