import type { Command } from 'commander';
import { registerStackDown } from './down.ts';
import { registerStackEnv } from './env.ts';
import { registerStackStatus } from './status.ts';
import { registerStackUp } from './up.ts';

export function registerStack(program: Command): void {
  const stack = program
    .command('stack')
    .description('real Pulsar and ClickHouse and an AWS emulator on this machine, for development');
  registerStackUp(stack);
  registerStackDown(stack);
  registerStackStatus(stack);
  registerStackEnv(stack);
}
