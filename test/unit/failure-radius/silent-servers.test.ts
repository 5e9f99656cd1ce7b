import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { COMMAND } from '../../../examples/tour/commands.ts';
import { askedServers } from '../../../lib/assembly/answers/asked-servers.ts';
import { FirstAnswers, type ServerName } from '../../../lib/assembly/answers/first-answers.ts';
import { gated } from '../../../lib/assembly/answers/gate.ts';
import { connect } from '../../../lib/assembly/connections.ts';
import { systemEnvironment as environment } from '../../../lib/assembly/environment.ts';
import { readSettings } from '../../../lib/assembly/settings.ts';
import { registerAudit } from '../../../lib/cli/audit.ts';
import { registerConsume } from '../../../lib/cli/consume.ts';
import { registerDeadLetters } from '../../../lib/cli/dead-letters.ts';
import { registerDoctor } from '../../../lib/cli/doctor.ts';
import { registerInit } from '../../../lib/cli/init.ts';
import { registerOffsets } from '../../../lib/cli/offsets.ts';
import { registerResume } from '../../../lib/cli/pause.ts';
import { registerRedrive } from '../../../lib/cli/redrive.ts';
import { registerReplay } from '../../../lib/cli/replay.ts';
import { registerRestore } from '../../../lib/cli/restore.ts';
import { registerStatus } from '../../../lib/cli/status.ts';
import { registerViews } from '../../../lib/cli/views.ts';
import { parsePipeline } from '../../../lib/configuration/parse.ts';
import { answerAlways, jsonFailure } from '../../support/answering-server.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import { type SilentServer, startSilentServer, variablesOf } from '../../support/silent-server.ts';

const TEXT = JSON.stringify({
  name: 'events',
  topic: 'persistent://public/default/events',
  target: { database: 'd', table: 'events' },
  source: { format: 'json', fields: { id: 'UInt64' } },
  columns: { id: 'id' },
});
const LIMIT = 150;

let silent: SilentServer;
beforeAll(async () => {
  silent = await startSilentServer();
});
afterAll(() => silent.close());
afterEach(() => void vi.unstubAllEnvs());

/** The ports of a pipeline whose servers are all this one but for those named. */
async function open(
  others: Record<string, string> = {},
  { limit = LIMIT, stop = new AbortController().signal }: { limit?: number; stop?: AbortSignal } = {},
) {
  for (const [name, value] of Object.entries(variablesOf(silent))) vi.stubEnv(name, value);
  const { pipeline } = parsePipeline(TEXT, 'events.yml');
  if (!pipeline) throw new Error('the pipeline is wrong');
  const settings = readSettings({ ...variablesOf(silent), ...others });
  const around = { environment, log: silentLog };
  const ports = await connect(pipeline, settings, around);
  const servers = askedServers(pipeline, settings, ports, around);
  const answers = new FirstAnswers(servers, { environment, limit, stop });
  return { answers, ports: gated(ports, answers), close: () => ports.close() };
}

const soon = () => environment.now() + 60_000;

it.each<[ServerName, string]>([
  ['Pulsar', 'PH_PULSAR_UNREACHABLE'],
  ['the admin API', 'PH_PULSAR_UNREACHABLE'],
  ['ClickHouse', 'PH_CLICKHOUSE_UNREACHABLE'],
  ['DynamoDB', 'PH_STATE_UNREACHABLE'],
  ['S3', 'PH_OBJECTS_UNREACHABLE'],
])('%s that accepts and never answers is named, long before the deadline of the call', async (name, code) => {
  const { ports, close } = await open();
  const calls: Record<ServerName, () => Promise<unknown>> = {
    Pulsar: () => ports.transport.lastPosition('persistent://public/default/events', soon()),
    'the admin API': () => ports.transport.topicIdentity('persistent://public/default/events', soon()),
    ClickHouse: () => ports.table.countByPartition(soon()),
    DynamoDB: () => ports.replays.readReplays('events', 1, soon()),
    S3: () => ports.objects.list('events/', soon()),
  };
  await expect(calls[name]()).rejects.toMatchObject({
    code,
    message: expect.stringMatching(
      new RegExp(`^${name} at \\w+://127.0.0.1:\\d+ accepts connections and has not answered within`),
    ),
    where: { server: expect.stringContaining(`127.0.0.1:${silent.port}`) },
  });
  await close();
});

it('calls at the same time share one question, and later ones fail without another', async () => {
  const own = await startSilentServer();
  const { ports, close } = await open(variablesOf(own));
  const asked = await Promise.allSettled(
    Array.from({ length: 8 }, () => ports.sink.countRows(EVERYTHING, soon())),
  );
  await expect(ports.sink.rowsHidden(soon())).rejects.toMatchObject({ code: 'PH_CLICKHOUSE_UNREACHABLE' });
  expect(asked.map(({ status }) => status)).toEqual(Array(8).fill('rejected'));
  // The question, and the look whether anything listens there.
  expect(own.accepted()).toBe(2);
  await close();
  await own.close();
});

const EVERYTHING = { partition: 0, after: { ledger: 0, entry: 0 }, to: { ledger: 9, entry: 0 } };

it('a refusal is an answer: the call says what the server objects to', async () => {
  const refusing = await answerAlways(jsonFailure('AccessDeniedException', 'not for you'));
  const { ports, close } = await open({ AWS_ENDPOINT_URL: refusing.endpoint }, { limit: 10_000 });
  await expect(ports.state.readCycle('events', soon())).rejects.toMatchObject({
    code: 'PH_STATE_REFUSED',
    message: expect.stringContaining('not for you'),
  });
  await close();
  await refusing.close();
});

it('a server that has answered once may take longer than that for what it is asked then', async () => {
  const limit = 1_000;
  let asked = 0;
  const slow = createServer((request, reply) => {
    // Its version, its clock, and then what is to take long.
    const answer = ['26.7.1.1', '{"now":1}'][asked];
    asked += 1;
    const slowly = () => setTimeout(() => reply.end('{"rows":"3","distinctRows":"3"}'), 1.3 * limit);
    request.resume().on('end', () => (answer === undefined ? slowly() : reply.end(answer)));
  }).listen(0, '127.0.0.1');
  await once(slow, 'listening');
  const { port } = slow.address() as AddressInfo;
  const { ports, close } = await open({ CLICKHOUSE_URL: `http://127.0.0.1:${port}` }, { limit });
  await ports.sink.countRows(EVERYTHING, soon());
  expect(asked).toBe(3);
  await close();
  slow.close();
});

it('a stop ends the wait for an answer', async () => {
  const stop = new AbortController();
  const { answers, close } = await open({}, { stop: stop.signal, limit: 60_000 });
  const waiting = answers.all();
  stop.abort();
  await expect(waiting).rejects.toMatchObject({
    message: expect.stringMatching(/Pulsar .* has not answered .*; the admin API .*; ClickHouse .*; S3/),
  });
  await close();
});

describe('with silent servers a command says which, and fails', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'pulsehouse-silent-')), 'events.yml');
  writeFileSync(file, TEXT);

  /** What the command printed on both streams. */
  async function run(register: (program: Command) => void, words: readonly string[]): Promise<string> {
    for (const [name, value] of Object.entries(variablesOf(silent))) vi.stubEnv(name, value);
    const said: string[] = [];
    const keep = (text: unknown) => said.push(String(text)) > 0;
    const streams = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation(keep),
    );
    const program = new Command().exitOverride();
    register(program);
    try {
      await program.parseAsync([...words, '-c', file, '--answer-within', `${LIMIT}ms`], { from: 'user' });
      expect(process.exitCode).toBe(1);
    } finally {
      process.exitCode = undefined;
      for (const stream of streams) stream.mockRestore();
    }
    return said.join('');
  }

  it.each([
    [registerStatus, ['status'], 'DynamoDB'],
    [registerDoctor, ['doctor'], 'Pulsar'],
    [registerDoctor, ['doctor'], 'the admin API'],
    [registerDoctor, ['doctor'], 'S3'],
    [registerInit, ['init'], 'ClickHouse'],
    [registerConsume, ['consume'], 'DynamoDB'],
    [registerAudit, ['audit'], 'DynamoDB'],
    [registerReplay, ['replay', '--from', '0'], 'DynamoDB'],
    [registerResume, ['resume'], 'S3'],
    [registerOffsets, ['offsets', 'set', '--to', 'latest'], 'DynamoDB'],
    [registerRestore, ['restore'], 'DynamoDB'],
    [registerViews, ['views', 'refill'], 'ClickHouse'],
    [registerDeadLetters, ['dead-letters', 'list'], 'DynamoDB'],
    [registerRedrive, ['redrive'], 'DynamoDB'],
  ] as const)('%o %s: %s', async (register, words, server) => {
    expect(await run(register, words)).toMatch(
      new RegExp(`${server} at \\w+://127\\.0\\.0\\.1:${silent.port} accepts connections and has not`),
    );
  });

  it('run names all of them, goes on trying, and the first Ctrl-C ends it', async () => {
    const words = ['run', '-c', file, '--answer-within', `${LIMIT}ms`];
    const child = spawn(process.execPath, [COMMAND, ...words], {
      env: { PATH: process.env['PATH'], ...variablesOf(silent) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'close');
    let said = '';
    for await (const text of child.stderr.setEncoding('utf8')) {
      said += text;
      const named = ['Pulsar', 'the admin API', 'ClickHouse', 'DynamoDB', 'S3'].every((server) =>
        said.includes(`${server} at `),
      );
      if (named && !child.killed) child.kill('SIGINT');
    }
    expect(await ended).toEqual([expect.toBeOneOf([0, 130]), null]);
  });
});
