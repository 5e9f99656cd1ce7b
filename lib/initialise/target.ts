import { checkSettings } from '../clickhouse/accepted-settings.ts';
import { Questions } from '../clickhouse/questions.ts';
import type { Server } from '../clickhouse/server.ts';
import type { TableFinding } from '../clickhouse/table-check.ts';
import { prepareTableSql, runDdl } from '../clickhouse/table-ddl.ts';
import { describeTable, type TableDescription } from '../clickhouse/table-description.ts';
import { checkTarget } from '../clickhouse/target-check.ts';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Environment } from '../ports/environment.ts';
import type { Tell } from './step.ts';

/**
 * Makes the target from `ddl` if it is missing, and refuses one that cannot hold the guarantees.
 * @throws PulsehouseError PH_TABLE_MISSING without a DDL to make it from; PH_TABLE_UNFIT with every reason at once.
 */
export async function ensureTarget(
  pipeline: Pipeline,
  server: Server,
  ddl: string | undefined,
  environment: Environment,
  deadline: number,
  tell: Tell,
): Promise<void> {
  const { target } = pipeline;
  const questions = new Questions(server, target, () => environment.now());
  refuseUnfit(pipeline, await checkSettings(questions, pipeline, deadline), tell);
  const found = await describeTable(questions, target, deadline);
  const table = found ?? (await make(pipeline, questions, ddl, deadline));
  refuseUnfit(pipeline, await checkTarget(questions, table, pipeline, deadline), tell);
  tell({
    outcome: found ? 'found' : 'created',
    message: `table ${target.database}.${target.table}, ${table.engine}`,
  });
}

async function make(
  { target }: Pipeline,
  questions: Questions,
  ddl: string | undefined,
  deadline: number,
): Promise<TableDescription> {
  const name = `${target.database}.${target.table}`;
  if (ddl !== undefined) await runDdl(questions, target, ddl, deadline);
  const made = await describeTable(questions, target, deadline);
  if (made) return made;
  throw new PulsehouseError(
    'PH_TABLE_MISSING',
    ddl === undefined ? `there is no table ${name}` : `its DDL was run and there is no table ${name}`,
    {
      where: questions.where,
      nextStep: `Create it, then run:\n${prepareTableSql(target)}\nOr give its DDL with --ddl.`,
    },
  );
}

function refuseUnfit(pipeline: Pipeline, findings: readonly TableFinding[], tell: Tell): void {
  const { database, table } = pipeline.target;
  const name = `${database}.${table}`;
  const errors = findings.filter(({ severity }) => severity === 'error');
  for (const { severity, message, sql } of findings) {
    if (severity !== 'error') tell({ outcome: severity, message: `table ${name}: ${message}`, remedy: sql });
  }
  if (errors.length === 0) return;
  const remedies = errors.flatMap(({ sql }) => sql ?? []);
  throw new PulsehouseError(
    'PH_TABLE_UNFIT',
    `table ${name} cannot hold the guarantees:\n${errors.map(({ message }) => `- ${message}`).join('\n')}`,
    {
      where: { table: name, pipeline: pipeline.name },
      ...(remedies.length > 0 && { nextStep: `Run, where that suits you:\n${remedies.join('\n')}` }),
    },
  );
}
