import { Command } from 'commander';
import { auditExactly } from './audit.ts';
import { faultName, LONG_FAULT } from './faults.ts';
import { chooseRounds, EVERY_CELL, inTurn, wholeMatrix } from './matrix.ts';
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
    'how many; all faults as often as each other, but "clickhouse down" once in a hundred',
    Number,
  )
  .option('--from <n>', 'go on with this round of them, after those before it were played', Number, 1)
  .option('--point <name>', 'only rounds at this point')
  .option('--fault <name>', 'only rounds with this fault, for example "clickhouse kill"')
  .option('--down <seconds>', 'how long "clickhouse down" lasts', Number, LONG_FAULT.seconds)
  .option('--json', 'the last line is a JSON object')
  .parse();
const { from, point, fault, down, json } = program.opts<{
  from: number;
  point?: string;
  fault?: string;
  down: number;
  json?: boolean;
}>();

const say = (line: string) => process.stdout.write(`${line}\n`);
const cells = wholeMatrix().filter(
  (round) => (!point || round.point === point) && (!fault || faultName(round.fault) === fault),
);
if (cells.length === 0)
  throw new Error(`there is no round with "${fault ?? 'any fault'}" at ${point ?? 'any point'}`);
const isOfAll = !point && !fault;
const rounds = program.opts<{ rounds?: number }>().rounds ?? (isOfAll ? EVERY_CELL : cells.length);
const wanted = (isOfAll ? chooseRounds(rounds) : inTurn(cells, rounds))
  .map((round) =>
    round.fault.what === 'down' ? { ...round, fault: { ...round.fault, seconds: down } } : round,
  )
  .slice(from - 1);

const world = await openWorld();
const results: RoundResult[] = [];
let failure: unknown;
try {
  for (const [n, round] of wanted.entries()) {
    const before = n % WHOLE_AUDIT_EVERY === 0 ? undefined : results.at(-1)?.audited;
    const begun = performance.now();
    const result = await playRound(world, round, before);
    const took = (performance.now() - begun) / 1000;
    results.push(result);
    say(
      `${from + n}/${rounds}  ${faultName(round.fault)} at ${round.point}: lost ${result.lost}, doubled ${result.doubled}, rows again after ${result.recoverySeconds.toFixed(2)} s, over after ${took.toFixed(0)} s`,
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
