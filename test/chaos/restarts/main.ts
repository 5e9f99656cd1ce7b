import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { externalServers } from '../../../infra/local/external-servers.ts';
import { DEFAULT_SERVERS, startStack } from '../../../infra/local/stack.ts';
import { playRounds, type RestartResult } from './rounds.ts';
import { openSubject } from './subject.ts';

const MODES = ['drain', 'follow'] as const;

const program = new Command('restarts')
  .description(
    'Kills `pulsehouse run` with SIGKILL in the middle of its work, starts it again at once, and measures the seconds until its first new row. All settings are the defaults.',
  )
  .option('--rounds <n>', 'restarts of each', Number, 10)
  .option('--modes <names...>', 'drain, follow', [...MODES])
  .option('--partitions <n...>', 'of the topic', (text, all: number[] = []) => [...all, Number(text)])
  .option('--json', 'the last line is a JSON object')
  .parse();
const options = program.opts<{
  rounds: number;
  modes: (typeof MODES)[number][];
  partitions?: number[];
  json?: boolean;
}>();

const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-restarts-'));
const external = externalServers(process.env, {});
const stack = await startStack({
  directory: join(folder, 'stack'),
  servers: DEFAULT_SERVERS.filter((name) => !external.names.includes(name)),
  ephemeral: true,
});
const environment = { ...stack.environment, ...external.environment };
Object.assign(process.env, environment);
const say = (line: string) => process.stdout.write(`${line}\n`);
const results: (RestartResult & { mode: string; partitions: number })[] = [];
try {
  for (const mode of options.modes) {
    for (const partitions of options.partitions ?? [4, 64]) {
      const subject = await openSubject({ environment, folder, mode, partitions });
      const result = await playRounds(subject, options.rounds, say);
      results.push({ mode, partitions, ...result });
      say(
        `${mode}, ${partitions} partitions: first new row after ${result.median} s at the median, ${result.worst} s at worst; lost ${result.lost}, doubled ${result.doubled}`,
      );
    }
  }
} finally {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
}
if (options.json) say(JSON.stringify(results));
process.exitCode = results.every(({ lost, doubled }) => lost === 0 && doubled === 0) ? 0 : 1;
