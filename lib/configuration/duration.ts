const UNITS = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)$/;

/** What editors check; the same language as `parseDuration` takes. */
export const DURATION_PATTERN = DURATION.source;

/** Milliseconds of `500ms`, `60 s`, `1.5 h` or `14 d`; undefined for anything else, a bare number included. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text.trim());
  if (!match) return undefined;
  const milliseconds = Math.round(Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]);
  return Number.isSafeInteger(milliseconds) ? milliseconds : undefined;
}

/** In the largest unit that gives a whole number: the shortest text that `parseDuration` reads back the same. */
export function formatDuration(milliseconds: number): string {
  const unit = (['d', 'h', 'min', 's'] as const).find((name) => milliseconds % UNITS[name] === 0) ?? 'ms';
  return milliseconds === 0 ? '0 s' : `${milliseconds / UNITS[unit]} ${unit}`;
}
