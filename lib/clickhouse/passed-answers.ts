import { isPulsehouseError, messageOf } from '../pipeline/errors.ts';
import { THROW_IF } from './error-table.ts';
import type { Server } from './server.ts';
import { LET_THEM_PASS, ServerError } from './server-error.ts';
import type { TableFinding } from './table-check.ts';

/**
 * Whether what is in between passes the server's answers as they are: seen by one that has to succeed and one that has to
 * fail.
 * @throws as `Server.answer` does for the first
 */
export async function checkPassedAnswers(server: Server, timeout: number): Promise<readonly TableFinding[]> {
  const { readRows } = await server.answer({ sql: 'SELECT 1', timeout });
  return [
    ...(readRows === undefined
      ? [
          {
            severity: 'warning' as const,
            message:
              'answers arrive without X-ClickHouse-Summary, which a proxy takes out: whether the server read all rows that were sent is asked for after every batch',
            sql: LET_THEM_PASS,
          },
        ]
      : []),
    ...(await checkPassedError(server, timeout)),
  ];
}

async function checkPassedError(server: Server, timeout: number): Promise<readonly TableFinding[]> {
  const failed = await server.answer({ sql: 'SELECT throwIf(1)', timeout }).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (isPulsehouseError(failed)) throw failed;
  if (failed instanceof ServerError && failed.code === THROW_IF) {
    const message =
      "errors arrive without X-ClickHouse-Exception-Code, which a proxy takes out: the code is read from the server's words";
    return failed.isByHeader ? [] : [{ severity: 'warning', message, sql: LET_THEM_PASS }];
  }
  const what = failed === undefined ? 'success' : messageOf(failed);
  return [
    {
      severity: 'error',
      message: `an error of the server's does not arrive: a question that fails is answered with ${what}. A message that cannot be stored would be tried again and again`,
      sql: LET_THEM_PASS,
    },
  ];
}
