import { count } from '../../lib/cli/format.ts';
import { type Terminal, table } from '../../lib/cli/terminal.ts';

export interface Summary {
  readonly published: number;
  readonly rows: number;
  readonly missing: number;
  readonly doubled: number;
  readonly deadLetters: number;
  readonly checkpoints: number;
  /** Messages that Pulsar was told to forget. */
  readonly acknowledged: number;
  /** Messages above the committed positions. */
  readonly backlog: number;
  /** From the kill to the next commit of the same partition. */
  readonly recoverySeconds: number;
  /** From the first consumer's start until everything was committed, the recovery included. */
  readonly messagesPerSecond: number;
  readonly exact: boolean;
}

export function showSummary(terminal: Terminal, summary: Summary): void {
  const { bold, green, red } = terminal.colour;
  const rows: [string, string][] = [
    ['published', count(summary.published)],
    ['rows', count(summary.rows)],
    ['missing', count(summary.missing)],
    ['doubled', count(summary.doubled)],
    ['dead letters', count(summary.deadLetters)],
    ['checkpoints', count(summary.checkpoints)],
    ['acknowledged', count(summary.acknowledged)],
    ['backlog', count(summary.backlog)],
    ['seconds to recover from SIGKILL', summary.recoverySeconds.toFixed(1)],
    ['messages a second', count(summary.messagesPerSecond)],
  ];
  terminal.say(`\n${table(terminal.colour, ['', 'demo'], rows)}`);
  const verdict = summary.exact
    ? green('nothing lost, nothing doubled')
    : red('NOT exact: this must not happen');
  terminal.say(`\n${bold(verdict)}`);
}
