import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMAND } from '../../../examples/tour/commands.ts';
import { createConsoleLog, logLevel } from '../../../lib/cli/console-log.ts';
import { createTerminal } from '../../../lib/cli/terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'pulsehouse-cli-'));
const PIPELINE = {
  name: 'events',
  topic: 'persistent://public/default/events',
  target: { database: 'd', table: 'events' },
  source: { format: 'json', fields: { id: 'UInt64' } },
  columns: { id: 'id' },
};

function fileOf(name: string, changes: object = {}): string {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify({ ...PIPELINE, ...changes }));
  return file;
}

/** Nothing of the machine's environment but what a program needs to be found. */
const BARE = { PATH: process.env['PATH'] ?? '' };
const NOWHERE = {
  ...BARE,
  PULSAR_SERVICE_URL: 'pulsar://127.0.0.1:1',
  CLICKHOUSE_URL: 'http://127.0.0.1:1',
  PULSEHOUSE_STATE_TABLE: 'pulsehouse',
  PULSEHOUSE_BUCKET: 'my-pulsehouse',
  AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
};

function run(env: Record<string, string>, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...words], {
    env,
    encoding: 'utf8',
  });
  return { code: status, out: stdout, said: stderr };
}

describe('without any variable that names a server', () => {
  it('check says that a file is valid', () => {
    const found = run(BARE, 'check', '--json', '-c', fileOf('good.yml'));
    expect(found.code).toBe(0);
    expect(JSON.parse(found.out)).toEqual({ valid: true, pipelines: ['events'], problems: [] });
  });

  it('PULSEHOUSE_CONFIG names the file where no option does', () => {
    const env = { ...BARE, PULSEHOUSE_CONFIG: fileOf('named.yml', { name: 'named' }) };
    expect(JSON.parse(run(env, 'check', '--json').out)).toMatchObject({ pipelines: ['named'] });
    const found = run(env, 'check', '--json', '-c', fileOf('good.yml'));
    expect(JSON.parse(found.out)).toMatchObject({ pipelines: ['events'] });
  });

  it('check names every error of every file, and ends as a wrong file does', () => {
    const wrong = [
      fileOf('one.yml', { batch: { maxRows: 0 } }),
      fileOf('two.yml', { name: 'A b', columns: 3 }),
    ];
    const found = run(BARE, 'check', '--json', '-c', ...wrong);
    expect(found.code).toBe(2);
    const { valid, problems } = JSON.parse(found.out) as { valid: boolean; problems: { key: string }[] };
    expect(valid).toBe(false);
    expect(problems.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['batch.maxRows', 'name', 'columns']),
    );
  });

  it('explain shows the statement', () => {
    const found = run(BARE, 'explain', '-c', fileOf('good.yml'));
    expect(found).toMatchObject({ code: 0, out: expect.stringContaining('INSERT INTO') });
  });

  it('with several files and --json each pipeline is a line of its own, as the help says', () => {
    const files = [
      fileOf('good.yml'),
      fileOf('other.yml', { name: 'other', target: { database: 'd', table: 'others' } }),
    ];
    const lines = run(BARE, 'explain', '--json', '-c', ...files)
      .out.trim()
      .split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { pipeline: string }).pipeline)).toEqual([
      'events',
      'other',
    ]);
    expect(run(BARE, 'explain', '--help').out).toContain('one line a pipeline');
  });
});

describe('a number that cannot be meant is refused as a wrong option', () => {
  it.each([
    ['checkpoint', '--concurrency', '0'],
    ['run', '--concurrency', '0'],
    ['consume', '--concurrency', '0'],
    ['offsets', 'set', '--to', 'latest', '--timeout', '0'],
    ['restore', '--timeout', '0'],
  ])('%s %s %s %s', (...words) => {
    const found = run(NOWHERE, ...words, '-c', fileOf('good.yml'));
    expect(found).toMatchObject({ code: 2, said: expect.stringContaining('from 1 up') });
  });
});

describe('LOG_LEVEL', () => {
  const lines: string[] = [];
  const terminal = { ...createTerminal(false), complain: (text: string) => void lines.push(text) };

  it.each([
    ['warning', ['warn', 'error']],
    ['WARN', ['warn', 'error']],
    ['fatal', ['error']],
    ['silent', []],
    ['info', ['info', 'warn', 'error']],
    ['trace', ['debug', 'info', 'warn', 'error']],
  ] as const)('%s shows what its name says', (name, shown) => {
    lines.length = 0;
    const log = createConsoleLog(terminal, logLevel(name));
    for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](`at ${level}`);
    expect(lines.map((line) => /at (\w+)/.exec(line)?.[1])).toEqual(shown);
  });

  it('of an unknown name is refused, and says which there are', () => {
    const found = run({ ...NOWHERE, LOG_LEVEL: 'loud' }, 'status', '-c', fileOf('good.yml'));
    expect(found).toMatchObject({
      code: 2,
      said: expect.stringContaining('debug, info, warn, error or silent'),
    });
  });
});

describe('colours', () => {
  /** Bytes that begin a colour. */
  const ESCAPE = '\u001b[';

  it('are in neither stream where both are files, and in both where they are forced', () => {
    const words = ['check', '-c', fileOf('wrong.yml', { name: 'A b' })] as const;
    const plain = run(BARE, ...words);
    expect(plain.out + plain.said).not.toContain(ESCAPE);
    expect(run({ ...BARE, FORCE_COLOR: '1' }, ...words).out).toContain(ESCAPE);
    expect(run({ ...BARE, FORCE_COLOR: '1', NO_COLOR: '1' }, ...words).out).not.toContain(ESCAPE);
  });

  it('of what is said on stderr follow stderr alone: a log in a file has none', () => {
    const script = `exec ${process.execPath} ${COMMAND} status -c ${fileOf('none.yml', { name: 'A b' })} 2> ${join(folder, 'log')}; `;
    // A terminal for stdout, a file for stderr.
    const found = spawnSync('script', ['-qec', script, '/dev/null'], { env: { ...BARE, TERM: 'xterm' } });
    expect(found.error, 'the program "script" gives a terminal').toBeUndefined();
    const log = spawnSync('cat', [join(folder, 'log')], { encoding: 'utf8' }).stdout;
    expect(log).toContain('PH_CONFIG_INVALID');
    expect(log).not.toContain(ESCAPE);
  });
});

it.each([
  ['doctor'],
  ['init'],
  ['pause'],
  ['resume'],
  ['offsets', 'set', '--to', 'latest'],
  ['restore', '--to', '1', '--yes'],
])('the first Ctrl-C ends %s at once, and says what stands', async (...words) => {
  // Servers that accept and never answer: without the signal this would take the command's whole time.
  const server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const env = Object.fromEntries(
    Object.entries(NOWHERE).map(([name, value]) => [name, value.replace(/:1$/, `:${port}`)]),
  );
  const connected = once(server, 'connection');
  const child = spawn(process.execPath, [COMMAND, ...words, '-c', fileOf('good.yml')], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  await connected;
  const ended = once(child, 'close');
  child.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  expect(said.join('')).toMatch(/SIGINT: ended\. \w+/);
  server.close();
});

it('a pipeline file that is not there is named by its whole path, with what to pass', () => {
  const found = run(NOWHERE, 'status');
  expect(found.code).toBe(2);
  expect(found.said).toContain(`there is no ${join(process.cwd(), 'pipeline.yml')}`);
  expect(found.said).toContain('--config <file>');
});
