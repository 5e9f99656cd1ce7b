import { Command, InvalidArgumentError } from 'commander';

export interface DemoOptions {
  readonly messages: number;
  readonly partitions: number;
  /** Percent of the messages that cannot become rows; undefined without them. */
  readonly bad: number | undefined;
  readonly json: boolean;
}

export function readOptions(argv: readonly string[]): DemoOptions {
  return new Command('demo')
    .description('Events from a real Pulsar into a real ClickHouse, with a consumer killed in the middle.')
    .option('--messages <n>', 'how many to publish', atLeast(1_000), 200_000)
    .option('--partitions <n>', 'partitions of the topic, each with a consumer process', atLeast(1), 4)
    .option('--bad <percent>', 'messages that cannot become rows, and the rate beside a clean run', percent)
    .option('--json', 'end with the summary as one line of JSON', false)
    .parse([...argv])
    .opts<DemoOptions>();
}

function percent(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 100) return value;
  throw new InvalidArgumentError('a percentage above 0 and below 100 is needed.');
}

function atLeast(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`a whole number from ${least} on is needed.`);
  };
}
