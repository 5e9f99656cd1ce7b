import { Command } from 'commander';
import { registerStack } from './stack/stack.ts';

const program = new Command('pulsehouse').description('Apache Pulsar into ClickHouse, exactly once.');
registerStack(program);
await program.parseAsync();
