import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { registerAudit } from './audit.ts';
import { registerCheckpoint } from './checkpoint.ts';
import { registerConsume } from './consume.ts';
import { registerDoctor } from './doctor.ts';
import { EXIT } from './exit-codes.ts';
import { registerExplain } from './explain.ts';
import { registerInit } from './init.ts';
import { registerOffsets } from './offsets.ts';
import { registerPause, registerResume } from './pause.ts';
import { registerRedrive } from './redrive.ts';
import { registerReplay } from './replay.ts';
import { registerRestore } from './restore.ts';
import { registerRun } from './run.ts';
import { registerStack } from './stack/stack.ts';
import { registerStatus } from './status.ts';

const EXIT_CODES = `
Exit codes:
  0    done; where something was compared: exact
  1    failed; the error says why and what to do
  2    a wrong option, or a pipeline.yml that cannot be accepted
  3    compared, and not exact
  4    a partition is halted and waits for a person
  130  stopped by a signal before the work was done; the next run goes on

Servers are named by the environment: PULSAR_SERVICE_URL, CLICKHOUSE_URL, PULSEHOUSE_STATE_TABLE, PULSEHOUSE_BUCKET and
others. \`eval "$(pulsehouse stack env)"\` sets them for the local stack.`;

// Node's version is package.json's business; the SDK's own warning would stand in every answer.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const program = new Command('pulsehouse')
  .description('Apache Pulsar into ClickHouse, exactly once.')
  .version(packageJson.version)
  .addHelpText('after', EXIT_CODES)
  .showHelpAfterError('(--help shows the options and examples)')
  .exitOverride();

for (const register of [
  registerInit,
  registerConsume,
  registerCheckpoint,
  registerRun,
  registerStatus,
  registerAudit,
  registerReplay,
  registerRestore,
  registerPause,
  registerResume,
  registerOffsets,
  registerRedrive,
  registerDoctor,
  registerExplain,
]) {
  register(program);
}
registerStack(program);

// A reader that went away (`| head`) is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
