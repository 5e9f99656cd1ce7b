import { mkdtempSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { commandsFor } from '../../../examples/tour/commands.ts';
import { type Gateway, openGateway, openTunnelProxy } from '../../support/clickhouse-gateway.ts';
import { Authority } from '../../support/credentials.ts';
import { EVENTS_DDL, publishEvents } from '../../support/events.ts';
import { type Place, test } from '../../support/place.ts';
import { prepare, type Subject, type SubjectOptions } from '../cli/subject.ts';

/** As nginx has it where nobody said otherwise. */
const LONGEST_URL = 8_000;

interface Road {
  readonly gateway: Gateway;
  readonly variables: Readonly<Record<string, string>>;
}

/** Takes ten messages from the topic to the table by this road, and audits them. */
async function storesBy(
  place: Place,
  signal: AbortSignal,
  variables: Road['variables'],
  options: SubjectOptions & { readonly ddl?: string } = {},
): Promise<void> {
  const servers = { ...place.environment, ...variables };
  const subject: Subject = await prepare(place, signal, options);
  const commands = commandsFor(subject.file, servers, signal);
  await writeFile(subject.ddl, options.ddl ?? EVENTS_DDL);
  const said = (answered: { readonly said: string }) => answered.said;
  const init = await commands.run('init', '--ddl', subject.ddl);
  expect(init, said(init)).toMatchObject({ code: 0 });
  const publication = { entries: 1, messagesAnEntry: 10, from: 0 };
  await publishEvents(place.environment, `${subject.topic}-partition-0`, publication);
  const consumed = await commands.run('consume', '--until', 'drained');
  expect(consumed, said(consumed)).toMatchObject({ code: 0, answer: { partitions: [{ rows: 10 }] } });
  const audited = await commands.run('audit');
  expect(audited, said(audited)).toMatchObject({ code: 0, answer: { exact: true, rows: 10 } });
}

test('1,000 columns are stored through a gateway with a path of its own that takes URLs of 8 KB', async ({
  place,
  signal,
}) => {
  const gateway = await openGateway(place.environment['CLICKHOUSE_URL'] ?? '', {
    path: '/clickhouse',
    longestUrl: LONGEST_URL,
  });
  onTestFinished(() => gateway.close());
  const names = Array.from({ length: 999 }, (_, index) => `measured_value_number_${index}`);
  const fields = Object.fromEntries(names.map((name) => [name, 'Nullable(Float64)']));
  await storesBy(
    place,
    signal,
    { CLICKHOUSE_URL: `http://127.0.0.1:${gateway.port}/clickhouse/` },
    {
      settings: {
        source: { format: 'json', fields: { id: 'UInt64', ...fields } },
        columns: { id: 'id', ...Object.fromEntries(names.map((name) => [name, name])) },
      },
      ddl: EVENTS_DDL.replace(
        'id UInt64,',
        `id UInt64, ${names.map((name) => `${name} Float64`).join(', ')},`,
      ),
    },
  );
  expect(gateway.longestUrl).toBeLessThan(LONGEST_URL);
});

test('a private authority is trusted and a client certificate shown', async ({ place, signal }) => {
  const { gateway, variables } = await openTlsRoad(place);
  await storesBy(place, signal, variables);
  expect(gateway.requests).toBeGreaterThan(0);
  // The same without them: nothing is sent to a server that cannot be verified, and the error names why.
  const { file } = await prepare(place, signal, { name: 'others' });
  const blind = { ...place.environment, CLICKHOUSE_URL: variables['CLICKHOUSE_URL'] ?? '' };
  const refused = await commandsFor(file, blind, signal).run('doctor');
  expect(refused.code).toBe(1);
  expect(JSON.stringify(refused.answer)).toMatch(/certificate/);
});

test('HTTPS_PROXY is tunnelled through, and NO_PROXY spares it', async ({ place, signal }) => {
  const proxy = await openTunnelProxy();
  onTestFinished(() => proxy.close());
  const { gateway, variables } = await openTlsRoad(place);
  const throughProxy = { ...variables, HTTPS_PROXY: `http://127.0.0.1:${proxy.port}` };
  await storesBy(place, signal, throughProxy);
  expect(new Set(proxy.tunnels)).toEqual(new Set([`127.0.0.1:${gateway.port}`]));
  const before = proxy.tunnels.length;
  const { file } = await prepare(place, signal, { name: 'others' });
  const spared = { ...place.environment, ...throughProxy, NO_PROXY: 'example.com,127.0.0.1' };
  await commandsFor(file, spared, signal).run('doctor');
  expect(proxy.tunnels.length).toBe(before);
});

async function openTlsRoad(place: Place): Promise<Road> {
  const authority = new Authority(mkdtempSync(join(tmpdir(), 'pulsehouse-ca-')));
  const own = authority.issue('server', 'IP:127.0.0.1');
  const client = authority.issue('client', 'DNS:client');
  const gateway = await openGateway(place.environment['CLICKHOUSE_URL'] ?? '', {
    path: '',
    tls: { cert: own.cert, key: own.key, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
  });
  onTestFinished(() => gateway.close());
  return {
    gateway,
    variables: {
      CLICKHOUSE_URL: `https://127.0.0.1:${gateway.port}`,
      CLICKHOUSE_TLS_CA_FILE: authority.certFile,
      CLICKHOUSE_TLS_CERT_FILE: client.certFile,
      CLICKHOUSE_TLS_KEY_FILE: client.keyFile,
    },
  };
}
