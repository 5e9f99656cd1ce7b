import { isPulsehouseError } from '../pipeline/errors.ts';
import { insertSettings } from './accepted-settings.ts';
import type { Questions } from './questions.ts';
import { type Mapping, probeStatement } from './statement.ts';
import type { TableFinding } from './table-check.ts';
import { targetTypes } from './target-types.ts';

const NEVER_LATE = 2 ** 32 - 1;

/** What is wrong with the mapping itself, found by sending no row through it. */
export async function checkMapping(
  questions: Questions,
  mapping: Mapping,
  deadline: number,
): Promise<readonly TableFinding[]> {
  try {
    await questions.run(
      {
        sql: probeStatement(mapping, await targetTypes(questions, mapping.target, deadline)),
        parameters: { partition: 0, notAfter: NEVER_LATE },
        settings: await insertSettings(questions, mapping, deadline),
        body: [],
      },
      deadline,
    );
    return [];
  } catch (error) {
    if (!isPulsehouseError(error) || error.code !== 'PH_TABLE_MISMATCH') throw error;
    return [{ severity: 'error', message: `the mapping does not fit: ${error.message}`, sql: undefined }];
  }
}
