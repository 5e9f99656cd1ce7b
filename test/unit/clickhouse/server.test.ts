import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { failedInsert } from '../../../lib/clickhouse/failures.ts';
import { Questions } from '../../../lib/clickhouse/questions.ts';
import { Server } from '../../../lib/clickhouse/server.ts';

test('a balancer with nothing behind it is no answer of ClickHouse, and passes', async () => {
  const balancer = createServer((request, response) => {
    request.resume();
    response.writeHead(503, { 'content-type': 'text/html' });
    response.end('<html>\n<h1>503 Service Unavailable</h1>\n</html>');
  });
  await once(balancer.listen(0, '127.0.0.1'), 'listening');
  const { port } = balancer.address() as AddressInfo;
  const server = new Server({
    endpoints: [{ url: `http://127.0.0.1:${port}` }],
    username: 'default',
    password: '',
  });
  const questions = new Questions(server, { database: 'd', table: 't' }, () => Date.now());
  const asked = await questions.ask('SELECT 1', {}, Date.now() + 10_000).catch((error: unknown) => error);
  expect(asked).toMatchObject({
    code: 'PH_CLICKHOUSE_UNREACHABLE',
    kind: 'retryable',
    message: expect.stringContaining('HTTP status 503'),
  });
  expect(asked).toMatchObject({ message: expect.stringContaining('503 Service Unavailable') });
  const sent = await server.run({ sql: 'INSERT', timeout: 10_000 }).catch((error: unknown) => error);
  expect(failedInsert(sent, questions.where)).toMatchObject({
    kind: 'in-doubt',
    error: { code: 'PH_INSERT_UNANSWERED' },
  });
  await server.close();
  balancer.close();
});

test('an answer to another query is no answer: an insert is in doubt', async () => {
  let asked = 0;
  const cache = createServer((request, response) => {
    asked += 1;
    const id =
      asked === 1 ? new URL(request.url ?? '', 'http://cache').searchParams.get('query_id') : 'another';
    const answer = () => response.writeHead(200, { 'x-clickhouse-query-id': id ?? '' }).end('26.7.1.1');
    request.resume().on('end', answer);
  });
  await once(cache.listen(0, '127.0.0.1'), 'listening');
  const { port } = cache.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const server = new Server({ endpoints: [{ url }], username: 'default', password: '' });
  const sent = await server
    .run({ sql: 'INSERT', queryId: 'mine', timeout: 10_000 })
    .catch((error: unknown) => error);
  expect(failedInsert(sent, {})).toMatchObject({
    kind: 'in-doubt',
    error: { code: 'PH_INSERT_UNANSWERED', message: expect.stringContaining('another query') },
  });
  await server.close();
  cache.closeAllConnections();
  cache.close();
});
