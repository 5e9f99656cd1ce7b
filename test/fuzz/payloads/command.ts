import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { externalServers } from '../../../infra/local/external-servers.ts';
import { plainProgress } from '../../../infra/local/progress.ts';
import { startStack } from '../../../infra/local/stack.ts';
import { fuzzPayloads, type Summary } from './run.ts';

export interface PayloadsOptions {
  readonly payloads: number;
  /** @default drawn */
  readonly seed?: number;
  /** The number of the first body. */
  readonly body?: number;
  readonly sample: number;
  readonly json: boolean;
}

const PROGRESS_EVERY = 15_000;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** On the ClickHouse that CLICKHOUSE_URL names, or on one of its own. Answers the exit code. */
export async function fuzzPayloadsCommand(options: PayloadsOptions): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort(signal));
  const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-fuzz-'));
  const external = externalServers(process.env, {});
  const stack = await startStack({
    directory: join(folder, 'stack'),
    servers: external.names.includes('clickhouse') ? [] : ['clickhouse'],
    ephemeral: true,
    progress: plainProgress(say),
    signal: interrupt.signal,
  });
  try {
    const environment = { ...stack.environment, ...external.environment };
    let shownAt = Date.now();
    const summary = await fuzzPayloads({
      clickhouse: {
        url: environment['CLICKHOUSE_URL'] ?? '',
        username: environment['CLICKHOUSE_USER'] ?? 'default',
        password: environment['CLICKHOUSE_PASSWORD'] ?? '',
      },
      payloads: options.payloads,
      seed: options.seed ?? Math.floor(Math.random() * 0x7fff_ffff),
      from: options.body ?? 0,
      sample: options.sample,
      signal: interrupt.signal,
      onProgress(so) {
        if (Date.now() - shownAt < PROGRESS_EVERY) return;
        shownAt = Date.now();
        say(`${so.payloads} payloads, ${so.payloadsPerSecond} a second, ${so.differences} differences`);
      },
    });
    show(summary, options.json);
    const isWhole = summary.payloads >= options.payloads;
    return summary.differences === 0 && isWhole ? 0 : 1;
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function show(summary: Summary, json: boolean): void {
  const { findings, seed, ...counts } = summary;
  for (const { body, what, payload, minimised } of findings) {
    say(`\nseed ${seed}${body === undefined ? '' : `, body ${body}`}: ${what}`);
    if (payload !== undefined) say(`payload ${payload}`);
    if (minimised === undefined) say('no body shows it by itself: it takes its neighbours, or chance');
    else say(`shown by ${minimised.length} payloads:\n${minimised.join('\n')}`);
    if (body !== undefined)
      say(`again: npm run fuzz -- --payloads 200 --seed ${seed} --body ${body} --sample 1`);
  }
  if (json) {
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    return;
  }
  const lines = [
    `seed ${seed}: ${counts.payloads} payloads in ${counts.bodies} bodies, ${counts.seconds.toFixed(0)} s`,
    `${counts.rows} rows, ${counts.deadLetters} dead letters, ${counts.filtered} without a value`,
    `${counts.refused} refused by ClickHouse, in ${counts.bodiesWithRefused} bodies; ${counts.alone} also inserted past Pulsehouse`,
    `${counts.kernel} sent as RowBinary, ${counts.unusual} unusual beside them, ${counts.json} as JSON`,
    `${counts.vouched} rows of the kernel compared with what ClickHouse reads itself`,
    `${counts.requests} requests to ClickHouse, ${counts.payloadsPerSecond} payloads a second`,
    `${counts.stuck} partitions stuck`,
    `${counts.differences} differences`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
