import { Command, InvalidArgumentError } from 'commander';
import { type Fault, isFault } from '../faults.ts';
import { run } from '../run.ts';
import { envelope } from './envelope.ts';
import { failureReport, shrunkReport } from './failure.ts';
import { catchMutations } from './mutation-table.ts';
import { sweep } from './sweep.ts';

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly with: readonly Fault[];
  readonly without: readonly Fault[];
  readonly trace?: true;
  readonly mutations?: true;
  readonly workers?: number;
  readonly partitions?: number;
  readonly busy: number;
  readonly slower: number;
}

/** `npm run simulate -- …`. Answers the exit code: 0 when nothing was violated, or every mutation was caught. */
export async function simulate(argv: readonly string[]): Promise<number> {
  const command = new Command('npm run simulate --')
    .description('Run the real protocol on simulated servers, one whole life of a pipeline a seed.')
    .option('--seeds <count>', 'how many seeds to run', wholeNumber, 500)
    .option('--from <seed>', 'the first of them', wholeNumber, 1)
    .option('--seed <seed>', 'run this one alone', wholeNumber)
    .option('--with <faults>', 'have these faults in every run, beside what its seed draws', faultList, [])
    .option('--without <faults>', 'leave these faults out (with --seed)', faultList, [])
    .option('--trace', 'print everything that happens (with --seed)')
    .option('--mutations', 'show for each mutation of the protocol the seed that catches it')
    .option(
      '--partitions <count>',
      'no faults: how long cycles over so many partitions take, and what they ask',
      wholeNumber,
    )
    .option(
      '--busy <count>',
      'of them so many get entries in every interval (with --partitions)',
      wholeNumber,
      1_000,
    )
    .option('--slower <times>', 'requests take so many times as long (with --partitions)', wholeNumber, 1)
    .option('--workers <count>', 'threads to run on (default: one a core)', wholeNumber)
    .parse(argv);
  const options = command.opts<Options>();
  if (options.mutations) return (await catchMutations(print, options.workers)) ? 0 : 1;
  if (options.partitions !== undefined)
    return envelope({ partitions: options.partitions, busy: options.busy, slower: options.slower }, print);
  if (options.seed !== undefined) return runOne(options.seed, options);
  return runMany(options);
}

async function runOne(seed: number, { with: given, without, trace }: Options): Promise<number> {
  const report = await run({ seed, given, without, ...(trace && { trace: print }) });
  print(`faults: ${report.faults.join(', ')}`);
  print(`${report.messages} messages, ${report.steps} steps, trace hash ${report.hash.toString(16)}`);
  if (report.violation) print(failureReport(report, { given, without }));
  print(`1 seeds, ${report.violation ? 1 : 0} violations`);
  return report.violation ? 1 : 0;
}

async function runMany({ seeds, from, with: given, workers }: Options): Promise<number> {
  const tenth = Math.max(1, Math.ceil(seeds / 10));
  let told = 0;
  const failed = await sweep({
    from,
    to: from + seeds - 1,
    given,
    ...(workers && { workers }),
    onProgress: (done) => {
      if (done < told + tenth || done === seeds) return;
      told = done;
      print(`${done} of ${seeds} seeds`);
    },
  });
  if (failed === undefined) {
    print(`${seeds} seeds, 0 violations`);
    return 0;
  }
  print(await shrunkReport(failed, given));
  return 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Give a whole number above 0.');
  return value;
}

function faultList(text: string): readonly Fault[] {
  return text.split(',').map((name) => {
    if (!isFault(name)) throw new InvalidArgumentError(`There is no fault "${name}".`);
    return name;
  });
}
