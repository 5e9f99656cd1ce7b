import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of this package's package.json: of the checkout, or of the installed package when bundled. */
export const packageRoot: string = findUp(import.meta.dirname);

/** Where the Python helpers and the pinned requirements of the local stack lie. */
export const localFiles: string = join(packageRoot, 'infra', 'local');

function findUp(folder: string): string {
  if (existsSync(join(folder, 'package.json')) || folder === dirname(folder)) return folder;
  return findUp(dirname(folder));
}
