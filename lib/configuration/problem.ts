export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** From 1; undefined where nothing in the file stands for it. */
  readonly line: number | undefined;
  /** `batch.maxRows`; empty for the file as a whole. */
  readonly key: string;
  /** Value, what is wrong with it, and what to write instead. */
  readonly message: string;
}

/** One line for people: `pipeline.yml:12 batch.maxRows: 2000000 is too much; write …`. */
export function formatProblem({ file, line, key, message }: Problem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return key === '' ? `${place}: ${message}` : `${place} ${key}: ${message}`;
}
