import { Presets, SingleBar } from 'cli-progress';
import { count } from './format.ts';
import type { Terminal } from './terminal.ts';

export interface Progress {
  add(amount: number): void;
  end(): void;
}

const PLAIN_EVERY = 5_000;

/** A bar on terminals, a line every few seconds elsewhere, nothing with `--json`. */
export function startProgress(terminal: Terminal, what: string, total: number | undefined): Progress {
  return terminal.interactive ? bar(what, total) : plainLines(terminal, what, total);
}

function bar(what: string, total: number | undefined): Progress {
  const format = total === undefined ? `${what}  {value}` : `${what} {bar} {percentage}%  {value} of {total}`;
  const drawn = new SingleBar(
    { format, hideCursor: true, clearOnComplete: true, formatValue: (value) => count(value) },
    Presets.shades_classic,
  );
  drawn.start(total ?? 0, 0);
  return { add: (amount) => drawn.increment(amount), end: () => drawn.stop() };
}

function plainLines(terminal: Terminal, what: string, total: number | undefined): Progress {
  let done = 0;
  let toldAt = Date.now();
  return {
    add(amount) {
      done += amount;
      if (Date.now() - toldAt < PLAIN_EVERY) return;
      toldAt = Date.now();
      terminal.remark(`${what}: ${count(done)}${total === undefined ? '' : ` of ${count(total)}`}`);
    },
    end: () => undefined,
  };
}
