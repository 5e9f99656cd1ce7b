import type { Command } from 'commander';
import type { FailedTries } from '../pipeline/partition-state.ts';
import { type PartitionStatus, type PipelineStatus, readStatus } from '../replay/status.ts';
import { type CommonOptions, pipelineCommand } from './command.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { count, duration, instant, plural } from './format.ts';
import type { Session } from './session.ts';
import { type Terminal, table } from './terminal.ts';

interface StatusOptions extends CommonOptions {
  readonly watch?: boolean;
}

const QUESTION_TIME = 20_000;
const REDRAW_EVERY = 2_000;
const CLEAR_SCREEN = '\u001b[2J\u001b[H';

export function registerStatus(program: Command): void {
  pipelineCommand<StatusOptions>(program, 'status', {
    summary: 'where every partition stands',
    description:
      'Shows committed and acknowledged positions, lag, lease holders, checkpoints, replays, and what is halted with its next step. Reads only. Exit code 4 while a partition, of the pipeline or of a running replay, is halted, 5 while one makes no progress because its tries fail, 1 while one cannot be asked.',
    examples: [
      ['pulsehouse status', 'once'],
      ['pulsehouse status --watch', 'again every two seconds, until Ctrl-C'],
      ['pulsehouse status --json | jq .drained', 'for scripts'],
    ],
    run: async ({ options, sessions, terminal, stop }) => {
      for (;;) {
        const statuses = await Promise.all(sessions.map(statusOf));
        if (options.watch && terminal.interactive) process.stdout.write(CLEAR_SCREEN);
        for (const status of statuses) show(terminal, status);
        if (!options.watch || stop.aborted) return codeOf(statuses);
        await sessions[0]?.environment.sleep(REDRAW_EVERY, stop);
        if (stop.aborted || !terminal.isRead) return codeOf(statuses);
      }
    },
  }).option('-w, --watch', 'show it again every two seconds');
}

function statusOf(session: Session): Promise<PipelineStatus> {
  return readStatus(session, session.environment.now() + QUESTION_TIME);
}

function codeOf(statuses: readonly PipelineStatus[]): ExitCode {
  const halted = statuses.some(
    ({ partitions, replays }) =>
      partitions.some((partition) => partition.halted) || replays.some((replay) => replay.halted.length > 0),
  );
  if (halted) return EXIT.halted;
  if (statuses.some(({ partitions }) => partitions.some((partition) => partition.stuck))) return EXIT.stuck;
  return statuses.some(({ unknown }) => unknown.length > 0) ? EXIT.failed : EXIT.ok;
}

function show(terminal: Terminal, status: PipelineStatus): void {
  const { bold, dim, red, yellow } = terminal.colour;
  terminal.answer(status);
  const paused = status.paused ? `  ${yellow('paused')}` : '';
  terminal.say(`${bold(status.pipeline)}  ${dim(`${status.topic} -> ${status.table}`)}${paused}`);
  terminal.say(`checkpoint ${status.checkpoint}, acknowledged ${status.acknowledged}\n`);
  terminal.say(
    table(
      terminal.colour,
      [
        'partition',
        'committed',
        'acknowledged',
        'last',
        'lag',
        'behind',
        'in flight',
        'rows',
        'dead letters',
        'holder',
      ],
      status.partitions.map(partitionRow),
    ),
  );
  for (const damage of status.damages) terminal.say(`\n${red('damaged')}  ${damage}`);
  for (const { code, named, message, nextStep } of unknownByCode(status))
    terminal.say(`\n${red(bold(`Unknown: ${named}`))}: ${code}\n  ${message}\n  ${dim('next')}  ${nextStep}`);
  if (status.checkpoints.length > 0) terminal.say(`\n${checkpointTable(terminal, status)}`);
  if (status.replays.length > 0) terminal.say(`\n${replayTable(terminal, status)}`);
  for (const { id, halted, failing, waitsFor } of status.replays) {
    if (waitsFor !== undefined) terminal.say(`\n${yellow(bold(`Replay ${id} waits`))} for ${waitsFor}`);
    for (const { partition, at, code, reason, nextStep } of halted) {
      terminal.say(
        `\n${red(bold(`Partition ${partition} of replay ${id} is halted`))} since ${instant(at)}: ${code}`,
      );
      terminal.say(`  ${reason}\n  ${dim('next')}  ${nextStep}`);
    }
    for (const { partition, ...tries } of failing) {
      terminal.say(`\n${failedText(terminal, `Partition ${partition} of replay ${id}`, tries)}`);
    }
  }
  const gaps = status.partitions.flatMap(({ viewGaps }) => viewGaps);
  if (gaps.length > 0) {
    const rows = gaps.reduce((sum, gap) => sum + gap.rows, 0);
    const views = [...new Set(gaps.flatMap((gap) => gap.views))].join(', ');
    terminal.say(
      `\n${yellow(bold('Views may lack rows'))} of the table: ${plural(rows, 'row')} in ${plural(gaps.length, 'range')}, ${views}`,
    );
    terminal.say(
      `  ${dim('next')}  \`pulsehouse views\` lists them, \`pulsehouse views refill\` brings them`,
    );
  }
  for (const { partition, halted, failedTries, stuck, waitsUntil } of status.partitions) {
    if (!halted) {
      const name = `Partition ${partition}${stuck ? ' makes no progress' : ''}`;
      const again =
        waitsUntil === undefined
          ? ''
          : `\n  tried again by ${instant(waitsUntil)}, or as soon as another one whose tries fail succeeds`;
      if (failedTries) terminal.say(`\n${failedText(terminal, name, failedTries)}${again}`);
      continue;
    }
    terminal.say(
      `\n${red(bold(`Partition ${partition} is halted`))} since ${instant(halted.at)}: ${halted.code}`,
    );
    terminal.say(`  ${halted.reason}\n  ${dim('next')}  ${halted.nextStep}`);
  }
}

const NAMED = 20;

/** One outage is one paragraph, however many partitions it concerns; the first one's message stands for all. */
function unknownByCode({ unknown }: PipelineStatus) {
  return [...new Set(unknown.map(({ code }) => code))].map((code) => {
    const same = unknown.filter((one) => one.code === code);
    const [first] = same;
    const more = same.length > NAMED ? ` and ${same.length - NAMED} more` : '';
    const numbers = same.slice(0, NAMED).map(({ partition }) => partition);
    const named = `${same.length === 1 ? 'partition' : 'partitions'} ${numbers.join(', ')}${more}`;
    return { code, named, message: first?.message ?? '', nextStep: first?.nextStep ?? '' };
  });
}

function failedText({ colour }: Terminal, name: string, tries: FailedTries): string {
  const { code, message, nextStep, position } = tries;
  const failed = `${plural(tries.count, 'failed try', 'failed tries')} since ${instant(tries.since)}`;
  const where = position === undefined || message.includes(position) ? '' : ` (at ${position})`;
  return `${colour.yellow(colour.bold(name))}: ${failed}, the last at ${instant(tries.at)}: ${code}
  ${message}${where}\n  ${colour.dim('next')}  ${nextStep}`;
}

function partitionRow(partition: PartitionStatus): string[] {
  return [
    String(partition.partition),
    partition.committed,
    partition.acknowledged ?? 'unknown',
    partition.last ?? 'unknown',
    lagText(partition),
    partition.lagSeconds === 0 ? '-' : duration(partition.lagSeconds * 1000),
    count(partition.inFlight),
    count(partition.rows),
    count(partition.deadLetters),
    partition.halted ? 'halted' : (partition.holder ?? '-'),
  ];
}

function lagText({ lagEntries, lagMessages }: PartitionStatus): string {
  if (lagMessages === 0) return '0';
  if (lagMessages !== undefined) return `~${count(lagMessages)}`;
  return lagEntries === undefined ? 'unknown' : `${count(lagEntries)} entries`;
}

function checkpointTable(terminal: Terminal, { checkpoints }: PipelineStatus): string {
  return table(
    terminal.colour,
    ['checkpoint', 'status', 'at', 'took', 'rows', 'laggards'],
    checkpoints.map((checkpoint) => [
      String(checkpoint.number),
      checkpoint.status,
      instant(checkpoint.openedAt),
      checkpoint.completedAt === undefined ? '-' : duration(checkpoint.completedAt - checkpoint.openedAt),
      count(checkpoint.rows),
      checkpoint.laggardCount === 0 ? '-' : checkpoint.laggards.join(' '),
    ]),
  );
}

function replayTable(terminal: Terminal, { replays }: PipelineStatus): string {
  return table(
    terminal.colour,
    ['replay', 'mode', 'table', 'status', 'partitions done', 'at work', 'messages', 'by'],
    replays.map((replay) => [
      replay.id,
      replay.mode,
      replay.target,
      replay.halted.length > 0 ? 'halted' : replay.status,
      `${replay.partitionsDone} of ${replay.partitions}`,
      count(replay.working),
      count(replay.messages),
      replay.requestedBy,
    ]),
  );
}
