import type { ClickHouseSettings } from '@clickhouse/client';
import { DISPENSABLE, INSERT_SETTINGS, QUESTION_SETTINGS } from './insert-settings.ts';
import type { Mapping } from './statement.ts';
import type { TableFinding } from './table-check.ts';

/** Parameters of the HTTP interface, which `system.settings` does not list on every version. */
const OF_THE_INTERFACE: ReadonlySet<string> = new Set(['wait_end_of_query']);

/** What is asked with hardly a setting sent along, since those are what may be refused. */
export interface PlainQuestions {
  askPlainly<Row>(sql: string, parameters: Readonly<Record<string, unknown>>, deadline: number): Promise<Row>;
}

interface Found {
  /** As this user's profile has it. */
  readonly value: string;
  /** The user may not change it. */
  readonly isFixed: boolean;
  /** Empty where there is none. */
  readonly min: string;
  readonly max: string;
}

interface Columns {
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly readonly: readonly number[];
  readonly min: readonly string[];
  readonly max: readonly string[];
}

interface Forbidden {
  readonly name: string;
  readonly value: string;
  readonly wanted: string;
}

/**
 * Of the wanted settings those that this server knows. What the user's constraints forbid stays among them, unless it is
 * dispensable: then the server refuses the statement and names the setting.
 * @throws PulsehouseError PH_CLICKHOUSE_*
 */
export async function acceptedSettings(
  questions: PlainQuestions,
  wanted: ClickHouseSettings,
  deadline: number,
): Promise<ClickHouseSettings> {
  const found = await settingsOfUser(questions, Object.keys(wanted), deadline);
  return Object.fromEntries(
    Object.entries(wanted).filter(([name, value]) => {
      const setting = found.get(name);
      if (setting === undefined) return OF_THE_INTERFACE.has(name);
      return !(DISPENSABLE.has(name) && isForbidden(setting, value));
    }),
  );
}

/** What every insert is sent with: the pipeline's own settings, and above them those that the guarantees rest on. */
export async function insertSettings(
  questions: PlainQuestions,
  { targetOptions }: Pick<Mapping, 'targetOptions'>,
  deadline: number,
): Promise<ClickHouseSettings> {
  return { ...targetOptions?.settings, ...(await acceptedSettings(questions, INSERT_SETTINGS, deadline)) };
}

/** The settings that this user may not set as they have to be, each with what an administrator can do. */
export async function checkSettings(
  questions: PlainQuestions,
  { targetOptions }: Pick<Mapping, 'targetOptions'>,
  deadline: number,
): Promise<readonly TableFinding[]> {
  const own = targetOptions?.settings ?? {};
  const wanted: ClickHouseSettings = { ...own, ...QUESTION_SETTINGS, ...INSERT_SETTINGS };
  const found = await settingsOfUser(questions, Object.keys(wanted), deadline);
  const unknown = Object.keys(own).filter((name) => !found.has(name));
  const forbidden = Object.entries(wanted).flatMap(([name, value]): readonly Forbidden[] => {
    const setting = found.get(name);
    return setting && isForbidden(setting, value)
      ? [{ name, value: setting.value, wanted: String(value) }]
      : [];
  });
  return [
    ...unknown.map((name) => ({
      severity: 'error' as const,
      message: `the server has no setting ${name}, which target.settings names: it refuses every insert`,
      sql: undefined,
    })),
    ...forbidden.map(({ name, value, wanted: needed }) => ({
      severity: DISPENSABLE.has(name) ? ('warning' as const) : ('error' as const),
      message: `the user may not set ${name} to '${needed}', and has it at '${value}'${DISPENSABLE.has(name) ? LIMITED : ''}`,
      sql: `-- In the constraints of the user's profile: let ${name} be changed, or set it to '${needed}'.`,
    })),
  ];
}

const LIMITED = ': a batch over more table partitions halts its Pulsar partition';

async function settingsOfUser(
  questions: PlainQuestions,
  names: readonly string[],
  deadline: number,
): Promise<ReadonlyMap<string, Found>> {
  // One row of plain arrays: no limit cuts it off, no output setting gives it another shape.
  const found = await questions.askPlainly<Columns>(
    `SELECT groupArray(name) AS names, groupArray(value) AS values, groupArray(readonly) AS readonly,
groupArray(ifNull(min, '')) AS min, groupArray(ifNull(max, '')) AS max
FROM system.settings WHERE name IN ({names:Array(String)})`,
    { names },
    deadline,
  );
  return new Map(
    found.names.map((name, index) => [
      name,
      {
        value: found.values[index] ?? '',
        isFixed: found.readonly[index] === 1,
        min: found.min[index] ?? '',
        max: found.max[index] ?? '',
      },
    ]),
  );
}

function isForbidden({ value, isFixed, min, max }: Found, wanted: unknown): boolean {
  if (value === String(wanted)) return false;
  const number = Number(wanted);
  return isFixed || (min !== '' && number < Number(min)) || (max !== '' && number > Number(max));
}
