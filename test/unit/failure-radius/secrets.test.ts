import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { COMMAND } from '../../../examples/tour/commands.ts';

const SECRETS = {
  CLICKHOUSE_PASSWORD: 'sesame-clickhouse',
  PULSAR_TOKEN: 'sesame.pulsar.token',
  AWS_SECRET_ACCESS_KEY: 'sesame-aws-secret',
  AWS_SESSION_TOKEN: 'sesame-aws-session',
};

const folder = mkdtempSync(join(tmpdir(), 'pulsehouse-secrets-'));
const file = join(folder, 'pipeline.yml');
writeFileSync(
  file,
  JSON.stringify({
    name: 'events',
    topic: 'persistent://public/default/events',
    target: { database: 'd', table: 'events' },
    source: { format: 'json', fields: { id: 'UInt64' } },
    columns: { id: 'id' },
  }),
);

/** As it stands in a header, and as anybody can decode it again. */
function spellings(secret: string): readonly string[] {
  const basic = Buffer.from(`writer:${secret}`).toString('base64');
  return [secret, encodeURIComponent(secret), basic, Buffer.from(secret).toString('base64')];
}

/** A server that refuses everything and repeats what it was sent, as debugging proxies and some gateways do. */
async function talkative(status: number): Promise<number> {
  const server = http.createServer((request, response) => {
    request.resume();
    const { authorization, ...headers } = request.headers;
    response.writeHead(status, { 'content-type': 'text/plain' });
    response.end(`${authorization} ${JSON.stringify(headers)} ${request.url}`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

async function outputOf(env: Record<string, string>, words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [COMMAND, ...words, '-c', file, '--debug'], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  // Most fail by themselves; one that goes on trying has said what it has to say by then.
  let enough: NodeJS.Timeout | undefined;
  const keep = (chunk: Buffer): void => {
    chunks.push(chunk);
    enough ??= setTimeout(() => child.kill('SIGKILL'), 8_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(enough);
  expect(code).not.toBe(0);
  return Buffer.concat(chunks).toString('utf8');
}

const WAYS = [
  ['doctor'],
  ['doctor', '--json'],
  ['init', '--logs', 'json'],
  ['run', '--logs', 'json'],
  ['status', '--json'],
] as const;

it.each([401, 500])(
  'no output of a failing run holds a secret, though servers answer %d and repeat it',
  async (status) => {
    const port = await talkative(status);
    const env = {
      ...SECRETS,
      PULSAR_SERVICE_URL: `pulsar://127.0.0.1:${port}`,
      PULSAR_ADMIN_URL: `http://127.0.0.1:${port}`,
      CLICKHOUSE_URL: `http://127.0.0.1:${port}`,
      CLICKHOUSE_USER: 'writer',
      PULSEHOUSE_STATE_TABLE: 'pulsehouse',
      PULSEHOUSE_BUCKET: 'my-pulsehouse',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      LOG_LEVEL: 'debug',
    };
    const outputs = await Promise.all(WAYS.map((words) => outputOf(env, words)));
    for (const [index, output] of outputs.entries()) {
      expect(output).not.toBe('');
      for (const [name, secret] of Object.entries(SECRETS)) {
        for (const spelled of spellings(secret)) {
          expect(output.includes(spelled), `${name} in ${WAYS[index]?.join(' ')}:\n${output}`).toBe(false);
        }
      }
    }
  },
);

it.each([
  ['PULSAR_SERVICE_URL', 'pulsar://writer:sesame-in-url@broker:6650'],
  ['CLICKHOUSE_URL', 'https://writer:sesame-in-url@clickhouse:8443'],
  ['PULSAR_ADMIN_URL', 'http://writer:sesame-in-url@broker:8080'],
  ['HTTPS_PROXY', 'socks://writer:sesame-in-url@proxy:1080'],
  ['AWS_ENDPOINT_URL', 'http://writer:sesame-in-url@aws:4566'],
])('a password inside %s is not repeated', async (name, url) => {
  const env = {
    PULSAR_SERVICE_URL: 'pulsar://broker:6650',
    CLICKHOUSE_URL: 'https://clickhouse:8443',
    PULSEHOUSE_STATE_TABLE: 'pulsehouse',
    PULSEHOUSE_BUCKET: 'my-pulsehouse',
    [name]: url,
  };
  const output = await outputOf(env, ['status']);
  expect(output).toContain(name);
  expect(output).not.toContain('sesame');
});
