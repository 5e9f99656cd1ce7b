import { type Command, InvalidArgumentError } from 'commander';
import { PulsehouseError } from '../pipeline/errors.ts';
import { type DescribedLetter, describeLetter } from '../replay/dead-letters/describe.ts';
import { findDeadLetters, type LetterFilter } from '../replay/dead-letters/find.ts';
import { withMetadata } from '../replay/dead-letters/metadata-from-pulsar.ts';
import { readPage } from '../replay/dead-letters/page.ts';
import { parsePlace, parseWholePlace } from '../replay/dead-letters/place.ts';
import { countReasons } from '../replay/dead-letters/reasons.ts';
import { atLeastOne, type CommonOptions, collectIntegers, pipelineCommand } from './command.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { count, plural } from './format.ts';
import { onlySession, type Session } from './session.ts';
import { type Terminal, table } from './terminal.ts';

interface ListOptions extends CommonOptions {
  readonly partition?: readonly number[];
  readonly since?: number;
  readonly until?: number;
  readonly reason?: string;
  readonly byReason?: boolean;
  readonly limit: number;
  readonly after?: string;
  readonly timeout: number;
}

interface ShowOptions extends CommonOptions {
  readonly partition?: readonly number[];
  readonly timeout: number;
}

/** A page is held whole. */
const MOST_LETTERS = 10_000;
const LONGEST_CELL = 60;
/** Of so many letters Pulsar is asked for what they lack, one after the other. */
const MOST_ASKED = 10;

export function registerDeadLetters(program: Command): void {
  const letters = program.command('dead-letters').summary('look at messages that could not become rows');
  registerList(letters);
  registerShow(letters);
}

function registerList(letters: Command): void {
  pipelineCommand<ListOptions>(letters, 'list', {
    summary: 'which dead letters there are, and why',
    description: `Lists what lies in the bucket and still counts: what a redrive made rows of is no dead letter any more. In order of
partition and position, a page at a time; the answer ends with what --after takes for the next one. With --json each has
its whole payload, as text or, where it is none, in base64.`,
    examples: [
      ['pulsehouse dead-letters list', 'the first ones'],
      ['pulsehouse dead-letters list --by-reason', 'how many of each kind'],
      [
        'pulsehouse dead-letters list --since 2026-11-01 --reason "no JSON" --json',
        'some of them, for scripts',
      ],
    ],
    run: ({ options, sessions, terminal }) => list(onlySession(sessions), options, terminal),
  })
    .option('-p, --partition <n...>', 'only these partitions', collectIntegers)
    .option('--since <time>', 'published at or after it: an ISO date or time, or milliseconds', publishTime)
    .option('--until <time>', 'published before it', publishTime)
    .option('--reason <text>', 'whose reason has this text in it, in any case')
    .option('--by-reason', 'count them by kind of reason instead')
    .option('--limit <n>', `as many at most, up to ${MOST_LETTERS}`, letterLimit, 50)
    .option('--after <id>', 'only those behind it, the page before having ended with it')
    .option('--timeout <seconds>', 'give up after so long', atLeastOne, 600);
}

function registerShow(letters: Command): void {
  pipelineCommand<ShowOptions>(letters, 'show', {
    summary: 'one dead letter, whole',
    description:
      'Shows the dead letters at a position: ledger:entry, or ledger:entry#index for one message of an entry, with the partition before it (3/34:567#0) where there are several. Key, properties and event time that were not recorded are taken from Pulsar while it has the message.',
    examples: [['pulsehouse dead-letters show 3/34:567#0', 'as `list` names it']],
    run: ({ options, args, sessions, terminal }) =>
      show(onlySession(sessions), args[0] ?? '', options, terminal),
  })
    .argument('<position>', '[partition/]ledger:entry[#index]')
    .option('-p, --partition <n...>', 'only in these partitions', collectIntegers)
    .option('--timeout <seconds>', 'give up after so long', atLeastOne, 600);
}

async function list(session: Session, options: ListOptions, terminal: Terminal): Promise<ExitCode> {
  const deadline = session.environment.now() + options.timeout * 1000;
  const filter: LetterFilter = {
    partitions: options.partition,
    publishedSince: options.since,
    publishedBefore: options.until,
    reason: options.reason,
    after: options.after === undefined ? undefined : parseWholePlace(options.after),
  };
  const found = findDeadLetters(session, filter, deadline);
  const pipeline = session.pipeline.name;
  if (options.byReason) {
    const { deadLetters, reasons } = await countReasons(found);
    terminal.answer({ pipeline, deadLetters, reasons });
    const rows = reasons.map((kind) => [
      count(kind.count),
      kind.first,
      oneLine(kind.reason, 2 * LONGEST_CELL),
    ]);
    terminal.say(
      `${table(terminal.colour, ['count', 'first', 'reason'], rows)}\n\n${plural(deadLetters, 'dead letter')}`,
    );
    return EXIT.ok;
  }
  const page = await readPage(found, options.limit);
  const letters = page.letters.map(describeLetter);
  terminal.answer({ pipeline, deadLetters: letters, next: page.next ?? null });
  const rows = letters.map((letter) => [
    letter.id,
    letter.publishTime,
    letter.key ?? '-',
    oneLine(letter.reason, LONGEST_CELL),
    oneLine(letter.payload, LONGEST_CELL),
  ]);
  terminal.say(table(terminal.colour, ['dead letter', 'published', 'key', 'reason', 'payload'], rows));
  const more = page.next === undefined ? '' : `; more with --after ${page.next}`;
  terminal.say(`\n${plural(letters.length, 'dead letter')}${more}`);
  return EXIT.ok;
}

async function show(
  session: Session,
  text: string,
  options: ShowOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const deadline = session.environment.now() + options.timeout * 1000;
  const { partition, position, index } = parsePlace(text);
  const partitions = partition === undefined ? options.partition : [partition];
  const letters: DescribedLetter[] = [];
  for await (const found of findDeadLetters(session, { partitions, position }, deadline)) {
    if (index !== undefined && found.index !== index) continue;
    const mayAsk = letters.length < MOST_ASKED;
    letters.push(describeLetter(mayAsk ? await withMetadata(session, found, deadline) : found));
  }
  if (letters.length === 0) {
    throw new PulsehouseError('PH_DEAD_LETTER_NOT_FOUND', `no dead letter stands at ${text}`, {
      where: { pipeline: session.pipeline.name },
    });
  }
  terminal.answer({ pipeline: session.pipeline.name, deadLetters: letters });
  terminal.say(letters.map((letter) => paragraphOf(letter, terminal)).join('\n\n'));
  return EXIT.ok;
}

function paragraphOf(letter: DescribedLetter, { colour }: Terminal): string {
  const { id, publishTime, eventTime, key, producer, properties = {}, reason, encoding, payload } = letter;
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['published', publishTime],
    ['event time', eventTime],
    ['producer', producer],
    ['key', key],
    ...Object.entries(properties).map(([name, value]) => [`property ${name}`, value] as const),
    ['reason', reason],
    [encoding === 'utf8' ? 'payload' : 'payload, base64', payload],
  ];
  const known = lines.flatMap(([name, value]) =>
    value === undefined ? [] : [`${colour.dim(name)}  ${value}`],
  );
  return [colour.bold(id), ...known].join('\n');
}

/** Control characters of a payload must not reach the terminal of whoever looks at a table of them. */
function oneLine(text: string, longest: number): string {
  const line = text.replaceAll(/[\p{C}\s]+/gu, ' ').trim();
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
}

function letterLimit(text: string): number {
  const limit = atLeastOne(text);
  if (limit > MOST_LETTERS) throw new InvalidArgumentError(`${MOST_LETTERS} are the most.`);
  return limit;
}

/** Milliseconds since the epoch. */
function publishTime(text: string): number {
  const time = /^\d{13}$/.test(text) ? Number(text) : Date.parse(text);
  if (/^\d{4}-\d{2}-\d{2}|^\d{13}$/.test(text) && !Number.isNaN(time)) return time;
  throw new InvalidArgumentError('an ISO date or time is needed, or milliseconds.');
}
