import { readFileSync, statSync } from 'node:fs';

const ROOT = new URL('../', import.meta.url);

/** Written last by scripts/build.ts: `{ startedAt, inputs }`, in milliseconds and paths from the package's folder. */
const RECORD = new URL('dist/built-from.json', ROOT);

/** The built command line, when no file that it was built from was changed since; undefined otherwise. */
export function currentBuild() {
  if (!statSync(RECORD, { throwIfNoEntry: false })) return undefined;
  const { startedAt, inputs } = JSON.parse(readFileSync(RECORD, 'utf8'));
  const isUnchanged = (path) => {
    const file = statSync(new URL(path, ROOT), { throwIfNoEntry: false });
    return file !== undefined && file.mtimeMs < startedAt;
  };
  return inputs.every(isUnchanged) ? new URL('dist/cli.js', ROOT) : undefined;
}
