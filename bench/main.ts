import { Command, InvalidArgumentError, Option } from 'commander';
import type { LatencyBenchOptions } from './latency/bench.ts';
import type { PipelineBenchOptions } from './pipeline/bench.ts';
import { SHAPE_NAMES, USUAL_SHAPES } from './pipeline/shapes.ts';

const program = new Command('bench').description('Measures on real servers, which it starts and ends.');

program
  .command('pipeline')
  .description(
    'drains backlogs: raw read, raw inserts as JSON and as RowBinary, and the pipeline over each shape',
  )
  .option(
    '--messages <count>',
    'messages of the backlog; shapes of large or single messages have fewer',
    positive,
    1_000_000,
  )
  .option('--runs <count>', 'measurements of each, of which the median is reported', positive, 3)
  .addOption(
    new Option('--shapes <names...>', 'what to drain').choices(SHAPE_NAMES).default([...USUAL_SHAPES]),
  )
  .option('--chart <file>', 'write the rates as an SVG chart')
  .option('--json', 'print the results as one line of JSON at the end', false)
  .action(async (options: PipelineBenchOptions) => {
    const { benchPipeline } = await import('./pipeline/bench.ts');
    await benchPipeline(options);
  });

program
  .command('latency')
  .description('from publishing to visible in the table, in follow mode, at several rates')
  .option('--rates <perSecond...>', 'messages a second', ['2000', '50000'])
  .option('--seconds <count>', 'measured at each rate, after a warm-up', positive, 30)
  .option('--max-wait <duration>', 'batch.maxWait of the pipeline', '400 ms')
  .option('--json', 'print the results as one line of JSON at the end', false)
  .action(async (options: Omit<LatencyBenchOptions, 'rates'> & { rates: readonly string[] }) => {
    const { benchLatency } = await import('./latency/bench.ts');
    await benchLatency({ ...options, rates: options.rates.map(positive) });
  });

program
  .command('pulsar')
  .description(
    'reads one backlog with the wire transport, the Java client and, where it is here, pulsar-client',
  )
  .option('--messages <count>', 'messages of the backlog', positive, 1_000_000)
  .option('--json', 'print the results as one line of JSON at the end', false)
  .action(async (options: { messages: number; json: boolean }) => {
    const { benchPulsar } = await import('./pulsar/bench.ts');
    await benchPulsar(options);
  });

program
  .command('fan-out')
  .description('ticks of the packaged checkpoint function over many partitions, idle and at work')
  .option('--partitions <count>', 'partitions of the topic', positive, 1_000)
  .option('--pending <count>', 'partitions with something to read', positive, 50)
  .option('--json', 'print the results as one line of JSON at the end', false)
  .action(async (options: { partitions: number; pending: number; json: boolean }) => {
    const { benchFanOut } = await import('./fan-out/bench.ts');
    await benchFanOut(options);
  });

program
  .command('redrive')
  .description('dead letters spread over many entries, put through a mended mapping')
  .option('--letters <count>', 'dead letters', positive, 50_000)
  .option('--entries <count>', 'entries of ten messages', positive, 20_000)
  .option('--json', 'print the results as one line of JSON at the end', false)
  .action(async (options: { letters: number; entries: number; json: boolean }) => {
    const { benchRedrive } = await import('./redrive/bench.ts');
    await benchRedrive(options);
  });

await program.parseAsync();

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('Give a whole number above zero.');
  return number;
}
