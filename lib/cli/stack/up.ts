import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { externalServers } from '../../../infra/local/external-servers.ts';
import { withLock } from '../../../infra/local/lock.ts';
import { barProgress, plainProgress } from '../../../infra/local/progress.ts';
import type { ServerName, StackEnvironment } from '../../../infra/local/server-plan.ts';
import { DEFAULT_SERVERS, startStack } from '../../../infra/local/stack.ts';
import {
  endRecorded,
  isUp,
  readRecord,
  type StackRecord,
  writeRecord,
} from '../../../infra/local/stack-record.ts';
import type { Terminal } from '../terminal.ts';
import { type StackOptions, type StackRun, stackCommand } from './command.ts';

interface UpOptions extends StackOptions {
  readonly with: readonly ServerName[];
  readonly without: readonly ServerName[];
  readonly wellKnownPorts: boolean;
}

const HELP = `
Servers of your own take the place of the stack's when the environment names them:
  Pulsar      PULSAR_SERVICE_URL, PULSAR_ADMIN_URL, PULSAR_TOKEN
  ClickHouse  CLICKHOUSE_URL, CLICKHOUSE_USER, CLICKHOUSE_PASSWORD
  AWS         AWS_ENDPOINT_URL, or AWS_ENDPOINT_URL_DYNAMODB and AWS_ENDPOINT_URL_S3; AWS_REGION
              (AWS itself: --without aws and the usual credentials)
  names       PULSEHOUSE_STATE_TABLE, PULSEHOUSE_BUCKET
Downloads are kept in .cache/ of the project, or in PULSEHOUSE_CACHE.`;

export function registerStackUp(stack: Command): void {
  stackCommand<UpOptions>(stack, 'up', 'start what is not running yet', (run) =>
    withLock(
      join(run.directory, 'stack.lock'),
      () => up(run),
      () => run.terminal.remark('another `stack up` or `stack down` is at work here, waiting'),
    ),
  )
    .addOption(
      new Option('--with <server...>', 'servers to add').choices(['dynamodb-local']).default([], 'none'),
    )
    .addOption(
      new Option('--without <server...>', 'servers to leave out')
        .choices([...DEFAULT_SERVERS])
        .default([], 'none'),
    )
    .option('--well-known-ports', 'take 6650, 8080, 8123 and 4566, not free ones', false)
    .addHelpText('after', HELP);
}

async function up({ options, directory, terminal, interrupt }: StackRun<UpOptions>): Promise<void> {
  const record = await readRecord(directory);
  const external = externalServers(process.env, record?.environment ?? {});
  const servers = [...DEFAULT_SERVERS, ...options.with].filter(
    (name) => !options.without.includes(name) && !external.names.includes(name),
  );
  if (record && runsExactly(record, servers)) {
    tell(terminal, 'already up', record.environment);
    return;
  }
  if (record) await endRecorded(record);
  const stack = await startStack({
    directory,
    servers,
    preferredPorts: Object.fromEntries(record?.servers.map(({ name, ports }) => [name, ports]) ?? []),
    wellKnownPorts: options.wellKnownPorts,
    progress: terminal.interactive ? barProgress(process.stderr) : plainProgress(terminal.remark),
    signal: interrupt,
  });
  const environment = { ...stack.environment, ...external.environment };
  await writeRecord(directory, stack, environment);
  await stack.release();
  tell(terminal, 'up', environment);
}

function runsExactly(record: StackRecord, wanted: readonly ServerName[]): boolean {
  const running = record.servers.filter(isUp).map(({ name }) => name);
  return running.length === wanted.length && wanted.every((name) => running.includes(name));
}

function tell(terminal: Terminal, state: string, environment: StackEnvironment): void {
  terminal.answer({ state, environment });
  terminal.say(`The stack is ${state}. For its addresses: eval "$(npx pulsehouse stack env)"`);
}
