import { Command } from 'commander';
import { auditExactly } from './audit.ts';
import { faultName } from './faults.ts';
import { chooseRounds, wholeMatrix } from './matrix.ts';
import { asTable, summarise } from './report.ts';
import { playRound, type RoundResult } from './round.ts';
import { openWorld } from './world.ts';

/** An audit of everything takes the longer the more rounds there were. */
const WHOLE_AUDIT_EVERY = 25;

const program = new Command('chaos')
  .description(
    'Strikes real servers and function processes at named points of the protocol, and audits after each round.',
  )
  .option(
    '--rounds <n>',
    'how many; the matrix of faults and points is gone through evenly',
    Number,
    wholeMatrix().length,
  )
  .option('--from <n>', 'go on with this round of them, after those before it were played', Number, 1)
  .option('--point <name>', 'only rounds at this point')
  .option('--fault <name>', 'only rounds with this fault, for example "clickhouse kill"')
  .option('--json', 'the last line is a JSON object')
  .parse();
const { rounds, from, point, fault, json } = program.opts<{
  rounds: number;
  from: number;
  point?: string;
  fault?: string;
  json?: boolean;
}>();

const say = (line: string) => process.stdout.write(`${line}\n`);
const wanted = chooseRounds(point || fault ? wholeMatrix().length : rounds)
  .filter((round) => (!point || round.point === point) && (!fault || faultName(round.fault) === fault))
  .slice(from - 1, rounds);

const world = await openWorld();
const results: RoundResult[] = [];
let failure: unknown;
try {
  for (const [n, round] of wanted.entries()) {
    const before = n % WHOLE_AUDIT_EVERY === 0 ? undefined : results.at(-1)?.audited;
    const result = await playRound(world, round, before);
    results.push(result);
    say(
      `${from + n}/${rounds}  ${faultName(round.fault)} at ${round.point}: lost ${result.lost}, doubled ${result.doubled}, rows again after ${result.recoverySeconds.toFixed(2)} s`,
    );
  }
  await auditExactly(world);
} catch (error) {
  failure = error;
  const struck = wanted[results.length];
  const where = struck ? `${struck.point} with ${faultName(struck.fault)}` : 'the last audit';
  say(`Failed at ${where}: ${String(error)}`);
} finally {
  await world.stop();
}
say(asTable(results));
const summary = summarise(results);
if (json) say(JSON.stringify(summary));
else say(`${summary.rounds} rounds, ${summary.lost} lost, ${summary.doubled} doubled`);
process.exitCode = failure === undefined && summary.lost === 0 && summary.doubled === 0 ? 0 : 1;
