import type { StackEnvironment } from '../../infra/local/server-plan.ts';

/** Runs the statements one after the other; answers what the last one printed. */
export async function ask(environment: StackEnvironment, ...statements: readonly string[]): Promise<string> {
  let answer = '';
  for (const sql of statements) {
    const response = await fetch(environment['CLICKHOUSE_URL'] ?? '', {
      method: 'POST',
      headers: {
        'x-clickhouse-user': environment['CLICKHOUSE_USER'] ?? '',
        'x-clickhouse-key': environment['CLICKHOUSE_PASSWORD'] ?? '',
      },
      body: sql,
    });
    answer = (await response.text()).trim();
    if (!response.ok) throw new Error(`ClickHouse answered ${response.status} to ${sql}: ${answer}`);
  }
  return answer;
}
