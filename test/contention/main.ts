import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { ServerName } from '../../infra/local/server-plan.ts';
import { startStack } from '../../infra/local/stack.ts';
import { type FightResult, fight } from './fight.ts';

const STATES = ['ministack', 'dynamodb-local'] as const;

const program = new Command('contention')
  .description('Many processes fight for a few partitions on real servers, frozen and thawed at random.')
  .addOption(new Option('--state <server>', 'only on this DynamoDB').choices(STATES))
  .option('--seconds <n>', 'how long, on each', Number, 60)
  .option('--contenders <n>', 'processes', Number, 20)
  .option('--partitions <n>', 'partitions they fight for', Number, 4)
  .option('--json', 'the last line is a JSON object')
  .parse();
interface Options {
  readonly state?: (typeof STATES)[number];
  readonly seconds: number;
  readonly contenders: number;
  readonly partitions: number;
  readonly json?: boolean;
}
const { state, json, ...numbers } = program.opts<Options>();

const say = (line: string) => process.stdout.write(`${line}\n`);
const results: (FightResult & { readonly state: string })[] = [];
for (const name of state ? [state] : STATES) {
  const result = await onServers(name);
  results.push({ state: name, ...result });
  say(
    `${name}: ${result.leases} leases, ${result.writes} writes, ${result.freezes} freezes, ${result.doubts} doubts; ` +
      `${result.published} published, missing ${result.missing}, doubled ${result.doubled}, ` +
      `contradictions ${result.contradictions.length}`,
  );
  for (const contradiction of result.contradictions) say(`  ${contradiction}`);
}
const sound = results.every(({ exact, contradictions }) => exact && contradictions.length === 0);
say(json ? JSON.stringify({ sound, results }) : sound ? 'sound' : 'NOT SOUND');
process.exitCode = sound ? 0 : 1;

async function onServers(name: (typeof STATES)[number]): Promise<FightResult> {
  const directory = await mkdtemp(join(tmpdir(), 'pulsehouse-contention-'));
  const servers: ServerName[] = ['pulsar', 'clickhouse', 'aws'];
  if (name === 'dynamodb-local') servers.push('dynamodb-local');
  const stack = await startStack({ directory: join(directory, 'stack'), servers, ephemeral: true });
  // Region and credentials are found where the SDK looks.
  Object.assign(process.env, { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' }, stack.environment);
  try {
    const topic = 'persistent://public/default/contention';
    return await fight({ ...numbers, servers: stack.environment, topic, database: 'contention' });
  } finally {
    await stack.stop();
    await rm(directory, { recursive: true, force: true });
  }
}
