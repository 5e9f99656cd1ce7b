import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, PulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';

/** The table whose DDL ships with the package. Another database's table of that name is somebody's own. */
const REFERENCE = { database: 'benchmark', table: 'sensors_local' } as const;

/** Where DDL is looked for: below the working folder, and in the package for the reference table alone. */
export function ddlRoots(
  { target }: Pick<Pipeline, 'target'>,
  own: string,
  packaged: string,
): readonly string[] {
  const isReference = target.database === REFERENCE.database && target.table === REFERENCE.table;
  return isReference ? [own, packaged] : [own];
}

/**
 * The DDL of a pipeline's table: of `file` where one is named, else `infra/clickhouse/<table>.sql` below the first of
 * `roots` that has it.
 * @throws PulsehouseError PH_CONFIG_INVALID when the named file cannot be read.
 */
export async function findDdl(
  { target }: Pipeline,
  roots: readonly string[],
  file?: string,
): Promise<string | undefined> {
  if (file !== undefined) return readNamed(file);
  for (const root of roots) {
    const found = await readIfThere(join(root, 'infra', 'clickhouse', `${target.table}.sql`));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function readNamed(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new PulsehouseError('PH_CONFIG_INVALID', `the DDL ${file} cannot be read: ${messageOf(error)}`, {
      nextStep: 'Name a file of SQL with --ddl.',
      cause: error,
    });
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
