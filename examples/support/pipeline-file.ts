import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument } from 'yaml';

const EXAMPLE = join(import.meta.dirname, '..', 'iot', 'pipeline.yml');

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
