const UNITS = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
} as const;

const SIZE = /^(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)$/;

/** What editors check; the same language as `parseSize` takes. */
export const SIZE_PATTERN = SIZE.source;

/** Bytes of `64 MiB`, `1.5GB` or `512 B`; undefined for anything else, a bare number included. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text.trim());
  if (!match) return undefined;
  const bytes = Math.round(Number(match[1]) * UNITS[match[2] as keyof typeof UNITS]);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** In the largest binary unit that gives a whole number: `parseSize` reads it back the same. */
export function formatSize(bytes: number): string {
  const unit = (['GiB', 'MiB', 'KiB'] as const).find((name) => bytes % UNITS[name] === 0) ?? 'B';
  return bytes === 0 ? '0 B' : `${bytes / UNITS[unit]} ${unit}`;
}
