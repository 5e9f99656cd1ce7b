import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { externalServers } from '../../infra/local/external-servers.ts';
import { barProgress, plainProgress } from '../../infra/local/progress.ts';
import { DEFAULT_SERVERS, startStack } from '../../infra/local/stack.ts';
import { reportError } from '../../lib/cli/error-report.ts';
import { EXIT } from '../../lib/cli/exit-codes.ts';
import { createTerminal, type Terminal } from '../../lib/cli/terminal.ts';
import { type BadSummary, showBadSummary } from './bad-summary.ts';
import type { DemoPlace } from './demo-pipeline.ts';
import { type DemoOptions, readOptions } from './options.ts';
import { runDemo } from './run.ts';
import { runWithBadMessages } from './run-bad.ts';
import { type Summary, showSummary } from './summary.ts';

const NEXT = `
Next: npx pulsehouse stack up            your own servers, to stay; then npx pulsehouse init -c examples/iot/pipeline.yml
      npm run demo -- --messages 1000000  more of it; README.md explains what you saw`;

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
const options = readOptions(process.argv);
const terminal = createTerminal(options.json);
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort(signal));

try {
  process.exitCode = await demo(options, terminal, interrupt.signal);
} catch (error) {
  if (interrupt.signal.aborted) {
    terminal.complain(`${interrupt.signal.reason}: stopped; nothing of the demo is left running.`);
    process.exitCode = EXIT.interrupted;
  } else {
    reportError(terminal, error, false);
    process.exitCode = EXIT.failed;
  }
}

async function demo(wanted: DemoOptions, told: Terminal, signal: AbortSignal): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-demo-'));
  const external = externalServers(process.env, {});
  const stack = await startStack({
    directory: join(folder, 'stack'),
    servers: DEFAULT_SERVERS.filter((name) => !external.names.includes(name)),
    progress: told.interactive ? barProgress(process.stderr) : plainProgress(told.remark),
    ephemeral: true,
    signal,
  });
  try {
    const functions = join(folder, 'functions');
    await mkdir(functions);
    const environment = { ...stack.environment, ...external.environment };
    // The SDK takes its credentials from there and nowhere else.
    Object.assign(process.env, environment);
    const place = { environment, folder: functions, terminal: told, signal };
    const summary = await runAndShow(wanted, place);
    told.say(NEXT);
    told.answer(summary);
    return summary.exact ? EXIT.ok : EXIT.notExact;
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function runAndShow(wanted: DemoOptions, place: DemoPlace): Promise<Summary | BadSummary> {
  if (wanted.bad !== undefined) {
    const summary = await runWithBadMessages({ ...wanted, bad: wanted.bad }, place);
    showBadSummary(place.terminal, summary);
    return summary;
  }
  const summary = await runDemo(wanted, place);
  showSummary(place.terminal, summary);
  return summary;
}
