import { isPulsehouseError } from '../pipeline/errors.ts';
import { quoteIdentifier, quoteTable, type TableName } from './identifiers.ts';
import type { Questions } from './questions.ts';
import type { TableFinding } from './table-check.ts';

/** As the plan names what a row policy adds to a read, in every version's form of it. */
const ROW_LEVEL_FILTER = /row[ -]level (?:security )?filter column:\s*(.+)/i;
/** A policy that lets its user see everything. */
const ALWAYS_TRUE = /^(?:1|true)(?:_UInt8|_Bool)?$/i;
/** A table without a part is not read at all, so that its plan shows no filter. */
const READS_NOTHING = /ReadNothing|NullSource/;

interface Policy {
  readonly filter: string;
  readonly restrictive: number;
}

/**
 * The filter by which the user sees only some of a table's rows; undefined where nothing hides any. The server's own plan
 * of a read says it, whatever kind of policy it comes from, and needs no right beyond reading the table.
 * @throws PulsehouseError PH_CLICKHOUSE_*, PH_TABLE_MISMATCH.
 */
export async function rowFilter(
  questions: Questions,
  target: TableName,
  deadline: number,
): Promise<string | undefined> {
  const plan = await questions.ask<{ explain: string }>(
    `EXPLAIN actions = 1 SELECT _row FROM ${quoteTable(target)} SETTINGS optimize_use_projections = 0`,
    {},
    deadline,
  );
  const lines = plan.map(({ explain }) => explain);
  const filters = lines
    .map((line) =>
      ROW_LEVEL_FILTER.exec(line)?.[1]
        ?.replace(/ \(removed\)$/, '')
        .trim(),
    )
    .filter((filter) => filter !== undefined);
  const hiding = filters.find((filter) => !ALWAYS_TRUE.test(filter));
  if (hiding !== undefined || !lines.some((line) => READS_NOTHING.test(line))) return hiding;
  return filterOfPolicies(questions, target, deadline);
}

/** Of an empty table, where the user may look at the policies; undefined where he may not: then the first rows show it. */
async function filterOfPolicies(
  questions: Questions,
  target: TableName,
  deadline: number,
): Promise<string | undefined> {
  try {
    const policies = await questions.ask<Policy>(
      `SELECT ifNull(select_filter, '1') AS filter, is_restrictive AS restrictive FROM system.row_policies
WHERE database IN ({database:String}, '') AND table IN ({table:String}, '') AND (
  (apply_to_all AND NOT has(apply_to_except, currentUser()))
  OR has(apply_to_list, currentUser()) OR hasAny(apply_to_list, enabledRoles()))`,
      { ...target },
      deadline,
    );
    const hides = ({ filter }: Policy) => !ALWAYS_TRUE.test(filter);
    const permissive = policies.filter(({ restrictive }) => restrictive === 0);
    const found =
      policies.find((policy) => policy.restrictive === 1 && hides(policy)) ??
      (permissive.every(hides) ? permissive[0] : undefined);
    return found?.filter;
  } catch (error) {
    if (isPulsehouseError(error) && error.code === 'PH_CLICKHOUSE_ACCESS') return undefined;
    throw error;
  }
}

/** What `init` and `doctor` say of it: rows that are stored and not seen would be stored again. */
export async function checkRowFilter(
  questions: Questions,
  target: TableName,
  deadline: number,
): Promise<readonly TableFinding[]> {
  const filter = await rowFilter(questions, target, deadline);
  if (filter === undefined) return [];
  const { user } = await questions.askOne<{ user: string }>('SELECT currentUser() AS user', {}, deadline);
  return [
    {
      severity: 'error',
      message: `user ${user} sees only the rows with ${filter} (row policy): what it stored and does not see would be taken for missing`,
      sql: `CREATE ROW POLICY pulsehouse ON ${quoteTable(target)} FOR SELECT USING 1 TO ${quoteIdentifier(user)}; -- a restrictive policy, or a filter in users.xml, has to be taken from it there`,
    },
  ];
}
