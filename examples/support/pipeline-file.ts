import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { packageRoot } from '../../infra/local/package-root.ts';

const EXAMPLE = join(import.meta.dirname, '..', 'iot', 'pipeline.yml');

/** The example's table; `init` makes it by itself under the example's own name alone. */
export const REFERENCE_DDL = join(packageRoot, 'infra', 'clickhouse', 'sensors_local.sql');

/** Writes the example pipeline with other values: paths such as `batch.maxRows` to what stands there instead. */
export async function writePipelineFile(
  path: string,
  values: Readonly<Record<string, unknown>>,
): Promise<string> {
  const document = parseDocument(await readFile(EXAMPLE, 'utf8'));
  for (const [key, value] of Object.entries(values)) document.setIn(key.split('.'), value);
  await writeFile(path, document.toString());
  return path;
}
