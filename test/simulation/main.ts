import { simulate } from './command/simulate.ts';

process.exitCode = await simulate(process.argv);
