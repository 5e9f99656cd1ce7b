import * as z from 'zod';
import { DURATION_PATTERN, formatDuration, parseDuration } from './duration.ts';
import { formatSize, parseSize, SIZE_PATTERN } from './size.ts';

interface Notation {
  readonly parse: (text: string) => number | undefined;
  readonly format: (value: number) => string;
  readonly pattern: string;
  readonly noun: string;
  readonly example: string;
}

const DURATION: Notation = {
  parse: parseDuration,
  format: formatDuration,
  pattern: DURATION_PATTERN,
  noun: 'a duration',
  example: '60 s',
};

const SIZE: Notation = {
  parse: parseSize,
  format: formatSize,
  pattern: SIZE_PATTERN,
  noun: 'a size',
  example: '64 MiB',
};

export interface Bounds {
  readonly min: number;
  readonly max: number;
  /** Why there is a bound, where it is not plain. */
  readonly because?: string;
}

/** Milliseconds, written with a unit. */
export const duration = (bounds: Bounds) => quantity(DURATION, bounds);

/** Bytes, written with a unit. */
export const size = (bounds: Bounds) => quantity(SIZE, bounds);

function quantity(notation: Notation, { min, max, because }: Bounds) {
  const { noun, example, format } = notation;
  const wanted = `write ${noun} from ${format(min)} to ${format(max)}, such as "${example}"`;
  return z
    .string({ error: `is not ${noun} with its unit; ${wanted}` })
    .meta({ pattern: notation.pattern, examples: [example] })
    .transform((text, context) => {
      const value = notation.parse(text);
      if (value !== undefined && value >= min && value <= max) return value;
      const problem = value === undefined ? `is not ${noun}` : value < min ? 'is too little' : 'is too much';
      context.addIssue({ code: 'custom', message: `${problem}${because ? ` (${because})` : ''}; ${wanted}` });
      return z.NEVER;
    });
}

/** A whole number. */
export function whole({ min, max, because }: Bounds) {
  const wanted = `write a whole number from ${min} to ${max}${because ? ` (${because})` : ''}`;
  return z
    .int({ error: `is not a whole number; ${wanted}` })
    .min(min, { error: `is too little; ${wanted}` })
    .max(max, { error: `is too much; ${wanted}` });
}
