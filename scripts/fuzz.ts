import { Command, InvalidArgumentError } from 'commander';

interface Options {
  readonly minutes: number;
  readonly payloads?: number;
  readonly seed?: number;
  readonly body?: number;
  readonly sample: number;
  readonly json: boolean;
}

const options = new Command('fuzz')
  .description('Feeds the wire decoder with random and changed frames; ends with 1 at the first finding.')
  .option('--minutes <n>', 'how long', minutesOf, 1)
  .option(
    '--payloads <n>',
    'instead: so many payloads, good and odd, through consume into a real ClickHouse, each accounted for',
    whole(1),
  )
  .option('--seed <n>', 'with --payloads: the same payloads again', whole(0))
  .option('--body <n>', 'with --payloads: begin at this body of the seed', whole(0))
  .option(
    '--sample <n>',
    'with --payloads: one row in so many is also inserted past Pulsehouse',
    whole(1),
    200,
  )
  .option('--json', 'with --payloads: end with the summary as one line of JSON', false)
  .parse()
  .opts<Options>();

const { payloads } = options;
if (payloads === undefined) {
  const { fuzzWire } = await import('../test/fuzz/wire-command.ts');
  process.exitCode = await fuzzWire(options.minutes);
} else {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const { fuzzPayloadsCommand } = await import('../test/fuzz/payloads/command.ts');
  process.exitCode = await fuzzPayloadsCommand({ ...options, payloads });
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new InvalidArgumentError('give a number of minutes');
  return minutes;
}

function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`give a whole number from ${least} on`);
  };
}
