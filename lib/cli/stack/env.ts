import type { Command } from 'commander';
import { isUp, readRecord } from '../../../infra/local/stack-record.ts';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { stackCommand } from './command.ts';

export function registerStackEnv(stack: Command): void {
  stackCommand(stack, 'env', 'print its addresses as export lines', async ({ directory, terminal }) => {
    const record = await readRecord(directory);
    if (!record?.servers.every(isUp)) {
      throw new PulsehouseError('PH_STACK_DOWN', `No stack is up in ${directory}.`);
    }
    terminal.answer(record.environment);
    for (const [name, value] of Object.entries(record.environment)) {
      terminal.say(`export ${name}=${quoted(value)}`);
    }
  });
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
