import type { ClickHouseSettings } from '@clickhouse/client';
import type { Questions } from './questions.ts';

/** What is not named is not read: from 26.5 on a server takes a key `ID` for the field `id` unless it is told not to. */
export const NAME_MATCHING = {
  input_format_column_name_matching_mode: 'match_case',
} as const satisfies ClickHouseSettings;

/** The setting where the server has it (from 26.4 on). One that has not would refuse it, and tells letters' cases apart anyway. */
export async function nameMatching(questions: Questions, deadline: number): Promise<ClickHouseSettings> {
  const names = Object.keys(NAME_MATCHING);
  const { known } = await questions.askOne<{ known: number }>(
    'SELECT count() AS known FROM system.settings WHERE name IN ({names:Array(String)})',
    { names },
    deadline,
  );
  return known === names.length ? NAME_MATCHING : {};
}
