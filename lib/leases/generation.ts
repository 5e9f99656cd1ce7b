import type { Environment } from '../ports/environment.ts';

/**
 * Names a span of a pipeline's life between resets, for ever and everywhere: tokens, ledger items and dead letters of
 * different generations never meet. Sorts by time; the unique part keeps two resets of one millisecond apart.
 */
export function newGeneration(environment: Environment): string {
  const time = new Date(environment.now()).toISOString().replaceAll(/[-:.]/g, '');
  return `${time}-${environment.uniqueId().slice(-12)}`;
}

/** When it was named, milliseconds since the epoch; undefined for a name of another form. */
export function generationBegan(generation: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-/.exec(generation);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second, milliseconds] = match;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}Z`);
}

/** Epochs begin at the clock's seconds: should a state ever be made anew, its epochs lie above all that were given out. */
export function firstEpoch(environment: Environment): number {
  return Math.floor(environment.now() / 1000);
}
