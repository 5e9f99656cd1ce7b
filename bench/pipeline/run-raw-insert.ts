import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startFunction } from '../../examples/support/function-process.ts';
import { REFERENCE_DDL, writePipelineFile } from '../../examples/support/pipeline-file.ts';
import type { Stack } from '../../infra/local/stack.ts';
import { bundle } from '../bundle.ts';
import { ask } from './ask-clickhouse.ts';
import type { InsertRun } from './measured.ts';
import type { Backlog } from './run-pipeline.ts';

/** `CLICKHOUSE_ROW_FORMAT`. */
export type RowFormatName = 'JSONEachRow' | 'RowBinary';

/** Answers what makes one more run, each in a process of its own and into an empty table. */
export async function rawInsert(
  stack: Stack,
  folder: string,
  backlog: Backlog,
): Promise<(format: RowFormatName) => Promise<InsertRun>> {
  const program = await bundle(join(import.meta.dirname, 'raw-insert.ts'), join(folder, 'raw-insert.mjs'));
  const pipelineFile = await writePipelineFile(join(folder, 'raw-insert.yml'), {
    name: 'raw-insert',
    topic: backlog.topic,
    subscription: 'raw-insert',
    'target.database': 'raw_insert',
  });
  const place = { environment: stack.environment, folder, pipelineFile };
  await (await startFunction(place, ['init', '--ddl', REFERENCE_DDL])).answer();
  return async (format) => {
    const run = promisify(execFile)(
      process.execPath,
      [program, pipelineFile, `${backlog.topic}-partition-0`, String(backlog.messages), pidOf(stack)],
      { env: { ...process.env, CLICKHOUSE_ROW_FORMAT: format } },
    );
    const { stdout } = await run;
    const stored = Number(await ask(stack.environment, 'SELECT count() FROM raw_insert.sensors_local'));
    await ask(stack.environment, 'TRUNCATE TABLE raw_insert.sensors_local SYNC');
    const used = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Omit<
      InsertRun,
      'missing' | 'doubled'
    >;
    return {
      ...used,
      missing: Math.max(0, backlog.messages - stored),
      doubled: Math.max(0, stored - backlog.messages),
    };
  };
}

/** Nothing for a server that is not ours: its CPU time stays unknown. */
function pidOf(stack: Stack): string {
  return String(stack.server('clickhouse').processes?.server ?? '');
}
