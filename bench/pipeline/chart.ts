import { writeFile } from 'node:fs/promises';

const WIDTH = 720;
const LABELS = 170;
const FIGURES = 110;
const BAR = 20;
const GAP = 10;
const TITLE = 36;
/** Legible on a light and on a dark page. */
const TEXT = '#808891';
const OURS = '#3b82f6';
const LIMIT = '#9ca3af';

/** Writes the rates as horizontal bars: ours, and the raw read and raw inserts that bound them. */
export async function writeChart(file: string, results: object): Promise<void> {
  await writeFile(file, chartOf(ratesOf(results)));
}

interface Bar {
  readonly name: string;
  readonly rowsPerSecond: number;
}

function ratesOf(results: object): readonly Bar[] {
  return Object.entries(results).flatMap(([name, result]) => {
    const rowsPerSecond: unknown = (result as { rowsPerSecond?: unknown } | undefined)?.rowsPerSecond;
    return typeof rowsPerSecond === 'number' ? [{ name, rowsPerSecond }] : [];
  });
}

/** A stand-alone SVG. */
export function chartOf(bars: readonly Bar[]): string {
  const most = Math.max(1, ...bars.map(({ rowsPerSecond }) => rowsPerSecond));
  const room = WIDTH - LABELS - FIGURES;
  const height = TITLE + bars.length * (BAR + GAP);
  const lines = bars.map(({ name, rowsPerSecond }, index) => {
    const top = TITLE + index * (BAR + GAP);
    const length = Math.round((room * rowsPerSecond) / most);
    const middle = top + BAR - 5;
    return [
      `<text x="${LABELS - 10}" y="${middle}" text-anchor="end">${name}</text>`,
      `<rect x="${LABELS}" y="${top}" width="${length}" height="${BAR}" rx="3" fill="${name.startsWith('raw') ? LIMIT : OURS}"/>`,
      `<text x="${LABELS + length + 8}" y="${middle}">${rowsPerSecond.toLocaleString('en')}</text>`,
    ].join('');
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="14" fill="${TEXT}">`,
    '<title>rows a second</title>',
    `<text x="${LABELS}" y="20" font-weight="bold">rows a second</text>`,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}
