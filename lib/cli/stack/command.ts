import { resolve } from 'node:path';
import type { Command } from 'commander';
import { reportError } from '../error-report.ts';
import { EXIT, exitCodeOf } from '../exit-codes.ts';
import { createTerminal, type Terminal } from '../terminal.ts';

export interface StackOptions {
  readonly dir: string;
  readonly json: boolean;
  readonly debug: boolean;
}

export interface StackRun<Options extends StackOptions> {
  readonly options: Options;
  /** Absolute. */
  readonly directory: string;
  readonly terminal: Terminal;
  /** Aborted by SIGINT or SIGTERM. */
  readonly interrupt: AbortSignal;
}

/** A command on the stack of one directory: its options, errors and exit code. */
export function stackCommand<Options extends StackOptions>(
  stack: Command,
  name: string,
  description: string,
  run: (run: StackRun<Options>) => Promise<void>,
): Command {
  const command = stack
    .command(name)
    .description(description)
    .option('--dir <folder>', 'where the stack keeps its data, logs and record', '.pulsehouse')
    .option('--json', 'answer as one line of JSON on stdout', false)
    .option('--debug', 'stack traces of errors', false);
  return command.action(async () => {
    const options = command.opts<Options>();
    const terminal = createTerminal(options.json);
    const interrupt = new AbortController();
    const onSignal = (signal: NodeJS.Signals) => interrupt.abort(signal);
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
    try {
      await run({ options, directory: resolve(options.dir), terminal, interrupt: interrupt.signal });
    } catch (error) {
      if (interrupt.signal.aborted) {
        terminal.complain(`${interrupt.signal.reason}: stopped; nothing of this stack is left running.`);
        process.exitCode = EXIT.interrupted;
        return;
      }
      reportError(terminal, error, options.debug);
      process.exitCode = exitCodeOf(error);
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    }
  });
}
