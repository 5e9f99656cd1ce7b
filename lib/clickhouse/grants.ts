import { isPulsehouseError } from '../pipeline/errors.ts';
import { quoteIdentifier, quoteTable, type TableName } from './identifiers.ts';
import type { Questions } from './questions.ts';
import type { Mapping } from './statement.ts';
import type { TableFinding } from './table-check.ts';

export interface Grant {
  readonly privilege: string;
  readonly on: string;
  readonly severity: 'error' | 'warning';
  readonly purpose: string;
}

/** What a pipeline needs in ClickHouse, and no more: docs/deploy.md lists the same. */
export function grantsFor(target: TableName): readonly Grant[] {
  const table = quoteTable(target);
  const needed = { severity: 'error' } as const;
  return [
    { ...needed, privilege: 'INSERT', on: table, purpose: 'rows are stored' },
    {
      ...needed,
      privilege: 'SELECT',
      on: table,
      purpose: 'an insert in doubt is settled by asking for its rows',
    },
    { ...needed, privilege: 'CREATE TEMPORARY TABLE', on: '*.*', purpose: 'input() reads the messages' },
    {
      ...needed,
      privilege: 'CREATE ARBITRARY TEMPORARY TABLE',
      on: '*.*',
      purpose: 'rows that cannot be stored are found',
    },
    ...['tables', 'columns', 'parts', 'settings', 'merge_tree_settings'].map((name) => ({
      ...needed,
      privilege: 'SELECT',
      on: `system.${name}`,
      purpose: 'the table is described by it',
    })),
    {
      ...needed,
      privilege: 'SELECT',
      on: 'system.processes',
      purpose: 'an insert in doubt is ended before it is sent again',
    },
    ...['Null', 'MergeTree', 'Memory'].map((engine) => ({
      severity: 'warning' as const,
      privilege: 'TABLE ENGINE',
      on: engine,
      purpose: 'temporary tables are made, where the server asks for rights on engines',
    })),
    {
      severity: 'warning',
      privilege: 'ALTER DELETE',
      on: table,
      purpose: '`replay --mode replace` deletes rows',
    },
  ];
}

/** What the user lacks, with the GRANT that an administrator runs. Nothing where the server is too old to be asked. */
export async function missingGrants(
  questions: Questions,
  { target, targetOptions }: Pick<Mapping, 'target' | 'targetOptions'>,
  deadline: number,
): Promise<readonly TableFinding[]> {
  const { user } = await questions.askOne<{ user: string }>('SELECT currentUser() AS user', {}, deadline);
  const findings: TableFinding[] = [];
  for (const { on, privilege, purpose, severity } of grantsFor(target)) {
    if (await isGranted(questions, `${privilege} ON ${on}`, deadline)) continue;
    const role = targetOptions?.role;
    const who = role === undefined ? `user ${user}` : `role ${role}`;
    const message = `${who} lacks ${privilege} on ${on}, by which ${purpose}`;
    findings.push({
      severity,
      message,
      sql: `GRANT ${privilege} ON ${on} TO ${quoteIdentifier(role ?? user)};`,
    });
  }
  return findings;
}

/** CHECK GRANT came with 24.11; an older server cannot parse it, and then the first use tells. */
async function isGranted(questions: Questions, grant: string, deadline: number): Promise<boolean> {
  try {
    return (await questions.tell(`CHECK GRANT ${grant}`, {}, deadline)).trim() === '1';
  } catch (error) {
    if (isPulsehouseError(error) && error.code === 'PH_TABLE_MISMATCH') return true;
    throw error;
  }
}
