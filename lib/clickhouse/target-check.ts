import type { Pipeline } from '../pipeline/pipeline.ts';
import { checkMapping } from './mapping-check.ts';
import { checkNarrowing } from './narrowing.ts';
import type { Questions } from './questions.ts';
import { checkRowFilter } from './row-filter.ts';
import { checkTable, type TableFinding } from './table-check.ts';
import type { TableDescription } from './table-description.ts';

/**
 * Everything about a table, the user and the mapping that matters to the guarantees. `checkSettings` comes before it: a
 * setting that the user may not set fails every question.
 * @throws PulsehouseError PH_CLICKHOUSE_* when the server cannot be asked.
 */
export async function checkTarget(
  questions: Questions,
  table: TableDescription,
  pipeline: Pipeline,
  deadline: number,
): Promise<readonly TableFinding[]> {
  const mapping = await checkMapping(questions, pipeline, deadline);
  return [
    ...checkTable(table, pipeline),
    ...(await checkRowFilter(questions, pipeline.target, deadline)),
    ...mapping,
    ...(mapping.length === 0 ? await checkNarrowing(questions, pipeline, table, deadline) : []),
  ];
}
