import Table from 'cli-table3';
import picocolors from 'picocolors';

/** Where a command's answer goes. People get text, `--json` gets one JSON document and nothing else on stdout. */
export interface Terminal {
  readonly json: boolean;
  /** Whether bars and redrawing make sense: stderr is a terminal and nobody parses the output. */
  readonly interactive: boolean;
  /** For stdout. */
  readonly colour: Colours;
  /** For stderr, which may be a file where stdout is a terminal, and the other way round. */
  readonly remarkColour: Colours;
  /** Whether anybody still reads the answer: false after `| head` went away. */
  readonly isRead: boolean;
  /** The answer itself, on stdout. Nothing with `--json`. */
  say(text: string): void;
  /** Progress and remarks, on stderr: never part of the answer. Nothing with `--json`. */
  remark(text: string): void;
  /** The answer as JSON, on one line. Nothing without `--json`. */
  answer(value: unknown): void;
  /** On stderr, whatever the format. */
  complain(text: string): void;
}

export type Colours = ReturnType<typeof picocolors.createColors>;

export function createTerminal(json: boolean): Terminal {
  let isRead = true;
  process.stdout.once('error', () => {
    isRead = false;
  });
  return {
    get isRead() {
      return isRead;
    },
    json,
    interactive: !json && process.stderr.isTTY === true && process.env['CI'] === undefined,
    colour: picocolors.createColors(!json && takesColours(process.stdout)),
    remarkColour: picocolors.createColors(takesColours(process.stderr)),
    say: (text) => void (json || process.stdout.write(`${text}\n`)),
    remark: (text) => void (json || process.stderr.write(`${text}\n`)),
    answer: (value) => void (json && process.stdout.write(`${JSON.stringify(value)}\n`)),
    complain: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** NO_COLOR and FORCE_COLOR as most tools know them; else a terminal that is not a dumb one. */
function takesColours(stream: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR: none, FORCE_COLOR: forced, TERM: terminal } = process.env;
  if (none !== undefined && none !== '') return false;
  if (forced !== undefined && forced !== '' && forced !== '0') return true;
  return stream.isTTY === true && terminal !== 'dumb';
}

/** Columns without frames, as the tools people like print them. Numbers (and what looks like one) stand to the right. */
export function table(
  colour: Colours,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const numeric = head.map((_, column) => rows.length > 0 && rows.every((row) => isNumber(row[column])));
  const grid = new Table({
    head: head.map((name) => colour.dim(name)),
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true },
    chars: FRAMELESS,
  });
  grid.push(...rows.map((row) => [...row]));
  return grid.toString().replaceAll(/ +$/gm, '');
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^(-|-?[\d,.]+( [a-z]+)?)$/.test(text);
}

const FRAMELESS = Object.fromEntries(
  [
    ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'],
    ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ]
    .flat()
    .map((edge) => [edge, '']),
);
