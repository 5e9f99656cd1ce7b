import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { withLock } from '../../../infra/local/lock.ts';
import { endRecorded, readRecord } from '../../../infra/local/stack-record.ts';
import { type StackOptions, type StackRun, stackCommand } from './command.ts';

interface DownOptions extends StackOptions {
  readonly removeData: boolean;
}

export function registerStackDown(stack: Command): void {
  stackCommand<DownOptions>(stack, 'down', 'end every server in order; data stays for the next `up`', (run) =>
    withLock(join(run.directory, 'stack.lock'), () => down(run)),
  ).option('--remove-data', 'remove the data, the logs and the record too', false);
}

async function down({ options, directory, terminal }: StackRun<DownOptions>): Promise<void> {
  const record = await readRecord(directory);
  const ended = record ? await endRecorded(record) : [];
  if (options.removeData) await rm(directory, { recursive: true, force: true });
  terminal.answer({ ended, dataRemoved: options.removeData });
  terminal.say(ended.length > 0 ? `Ended: ${ended.join(', ')}.` : 'Nothing was running.');
}
