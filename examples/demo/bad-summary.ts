import { count } from '../../lib/cli/format.ts';
import { type Terminal, table } from '../../lib/cli/terminal.ts';

export interface BadSummary {
  readonly published: number;
  readonly rows: number;
  readonly deadLetters: number;
  readonly missing: number;
  readonly doubled: number;
  /** From the consumers' start until the whole backlog was committed, their start included. */
  readonly messagesPerSecond: number;
  /** The same of a topic without bad messages, right before it. */
  readonly cleanMessagesPerSecond: number;
  readonly exact: boolean;
}

export function showBadSummary(terminal: Terminal, summary: BadSummary): void {
  const { bold, green, red } = terminal.colour;
  const rows: [string, string][] = [
    ['published', count(summary.published)],
    ['rows', count(summary.rows)],
    ['dead letters', count(summary.deadLetters)],
    ['missing', count(summary.missing)],
    ['doubled', count(summary.doubled)],
    ['messages a second', count(summary.messagesPerSecond)],
    ['messages a second without bad ones', count(summary.cleanMessagesPerSecond)],
  ];
  terminal.say(`\n${table(terminal.colour, ['', 'demo'], rows)}`);
  const verdict = summary.exact
    ? green('every message is one row or one dead letter')
    : red('NOT exact: this must not happen');
  terminal.say(`\n${bold(verdict)}`);
}
