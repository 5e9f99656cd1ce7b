import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import Table from 'cli-table3';
import { packageRoot } from '../infra/local/package-root.ts';
import { plainProgress } from '../infra/local/progress.ts';
import { PULSAR_VERSIONS, type PulsarVersion } from '../infra/local/pulsar-package.ts';
import { startStack } from '../infra/local/stack.ts';

/** What vitest's JSON report says of one file, as far as it is wanted here. */
interface FileReport {
  readonly name: string;
  readonly message: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

interface Row {
  readonly version: PulsarVersion;
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const SUITES = ['test/contract/transport/wire.test.ts', 'test/contract/transport/pulsar-client.test.ts'];

/** Runs the transports' contract against each Pulsar version in turn; a table of what passed is its last output. */
const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-matrix-'));
try {
  const rows: Row[] = [];
  for (const version of PULSAR_VERSIONS) rows.push(...(await runOn(version)));
  const table = new Table({
    head: ['Pulsar', 'transport', 'passed', 'failed', 'skipped'],
    style: { head: [], border: [] },
  });
  for (const row of rows) table.push([row.version, row.suite, row.passed, row.failed, row.skipped]);
  process.stdout.write(`${table.toString()}\n`);
  const complete = rows.length === SUITES.length * PULSAR_VERSIONS.length;
  process.exitCode = complete && rows.every((row) => row.failed === 0) ? 0 : 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function runOn(version: PulsarVersion): Promise<readonly Row[]> {
  const stack = await startStack({
    directory: join(folder, version),
    servers: ['pulsar'],
    pulsar: { version, quickStart: true, configuration: ['forceDeleteNamespaceAllowed=true'] },
    ephemeral: true,
    progress: plainProgress((line) => void process.stderr.write(`${line}\n`)),
  });
  const report = join(folder, `${version}.json`);
  try {
    const vitest = spawn('npx', ['vitest', 'run', '--project', 'contract', ...SUITES], {
      cwd: packageRoot,
      stdio: 'inherit',
      env: { ...process.env, ...stack.environment, TEST_REPORT: report },
    });
    await once(vitest, 'exit');
  } finally {
    await stack.stop();
  }
  const { testResults } = JSON.parse(await readFile(report, 'utf8')) as {
    readonly testResults: readonly FileReport[];
  };
  return testResults.map((file) => rowOf(version, file));
}

function rowOf(version: PulsarVersion, { name, message, assertionResults }: FileReport): Row {
  const count = (status: string): number => assertionResults.filter((one) => one.status === status).length;
  const failed = count('failed');
  return {
    version,
    suite: basename(name, '.test.ts'),
    passed: count('passed'),
    // A file that could not even be loaded has a message and no tests.
    failed: failed === 0 && message !== '' ? 1 : failed,
    skipped: count('pending') + count('skipped') + count('todo'),
  };
}
