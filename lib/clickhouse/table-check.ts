import type { Pipeline } from '../pipeline/pipeline.ts';
import { quoteIdentifier } from './identifiers.ts';
import { POSITION_COLUMN_NAMES, POSITION_COLUMNS } from './position-columns.ts';
import { addColumnSql, addProjectionSql, setWindowSql } from './table-ddl.ts';
import type { TableDescription } from './table-description.ts';
import { windowOf } from './token-window.ts';
import { rowTtl, ttlClause } from './ttl.ts';
import { isVolatile } from './volatile.ts';

/** Something about a table that matters to the guarantees. Errors refuse it; warnings cost speed; notes are to be known. */
export interface TableFinding {
  readonly severity: 'error' | 'warning' | 'note';
  readonly message: string;
  /** What mends it, where SQL can. */
  readonly sql: string | undefined;
}

/** What switches it on again, which is not called the same in each setting. */
const ENABLED: Readonly<Record<string, string>> = { deduplicate_insert_select: 'enable_when_possible' };

type Target = Pick<
  Pipeline,
  'target' | 'source' | 'columns' | 'where' | 'allowWithoutDeduplication' | 'audit'
>;
type Check = (table: TableDescription, pipeline: Target) => readonly TableFinding[];

const finding =
  (severity: TableFinding['severity']) =>
  (message: string, sql?: string): TableFinding => ({ severity, message, sql });
const error = finding('error');
const warning = finding('warning');
const note = finding('note');

const WHOLE_ENGINES: ReadonlySet<string> = new Set(['MergeTree', 'ReplicatedMergeTree', 'SharedMergeTree']);
const FOLDING = /(Replacing|Summing|Aggregating|Collapsing|Graphite|Coalescing)/;

const engine: Check = ({ engine: name }) => {
  if (WHOLE_ENGINES.has(name)) return [];
  const feed = 'take a MergeTree as the target and feed this table from it by a materialized view';
  return [
    FOLDING.test(name)
      ? error(`${name} folds rows, so that they cannot be counted; ${feed}`)
      : error(`${name} does not keep the rows of an insert as one block that can be asked for; ${feed}`),
  ];
};

/** Below it a busy table forgets a token while an insert is still in doubt; doubt is then settled by waiting. */
const SHORT_WINDOW = 1_000;

const deduplication: Check = (table, { allowWithoutDeduplication, target }) => {
  if (!WHOLE_ENGINES.has(table.engine)) return [];
  const missing = allowWithoutDeduplication ? warning : error;
  const waits = 'an insert in doubt then waits until it can no longer arrive';
  if (table.switchedOffBy.length > 0) {
    return [
      missing(
        `the profile of user ${table.user} switches deduplication off; ${waits}`,
        table.switchedOffBy
          .map(
            (name) =>
              `ALTER USER ${quoteIdentifier(table.user)} SETTINGS ${name} = '${ENABLED[name] ?? 'enable'}';`,
          )
          .join('\n'),
      ),
    ];
  }
  if (table.engine !== 'MergeTree') {
    const own = /\breplicated_deduplication_window\s*=\s*(\d+)/.exec(table.engineFull)?.[1];
    return own === '0'
      ? [missing(`replicated_deduplication_window is 0; ${waits}`)]
      : [
          note(
            `${table.engine} is not tested here; it needs insert_quorum for reads that follow inserts to see them`,
          ),
        ];
  }
  const window = windowOf(table.engineFull, table.serverWindow);
  if (window === 0) {
    return [missing(`non_replicated_deduplication_window is 0; ${waits}`, setWindowSql(target))];
  }
  return window < SHORT_WINDOW
    ? [warning(`the deduplication window of ${window} inserts is short; ${waits}`, setWindowSql(target))]
    : [];
};

const WIDE_ENOUGH: Readonly<Record<keyof typeof POSITION_COLUMNS, RegExp>> = {
  _partition: /^U?Int(32|64)$/,
  _ledger: /^U?Int64$/,
  _entry: /^U?Int64$/,
  _index: /^U?Int(32|64)$/,
  _row: /^U?Int(32|64)$/,
};

const positionColumns: Check = ({ columns }, { target }) =>
  (Object.keys(POSITION_COLUMNS) as (keyof typeof POSITION_COLUMNS)[]).flatMap((name) => {
    const column = columns.find((candidate) => candidate.name === name);
    if (column === undefined) {
      return [error(`the position column ${name} is missing`, addColumnSql(target, name))];
    }
    if (column.defaultKind === 'MATERIALIZED' || column.defaultKind === 'ALIAS') {
      return [error(`the position column ${name} is ${column.defaultKind} and cannot be written`)];
    }
    return WIDE_ENOUGH[name].test(column.type)
      ? []
      : [error(`the position column ${name} is ${column.type} and should be ${POSITION_COLUMNS[name]}`)];
  });

const mappedColumns: Check = ({ columns }, { columns: mapping }) => {
  const known = new Map(columns.map((column) => [column.name, column]));
  return Object.keys(mapping).flatMap((name) => {
    const kind = known.get(name)?.defaultKind;
    if (kind === undefined) return [error(`columns.${name} is mapped and the table has no such column`)];
    return kind === 'MATERIALIZED' || kind === 'ALIAS'
      ? [error(`columns.${name} is mapped and the table computes it itself (${kind})`)]
      : [];
  });
};

const unmappedColumns: Check = ({ columns }, { columns: mapping }) => {
  const names = columns
    .filter(({ defaultKind, name }) => defaultKind === '' && !POSITION_COLUMN_NAMES.includes(name))
    .map(({ name }) => name)
    .filter((name) => !(name in mapping));
  return names.length === 0
    ? []
    : [note(`not mapped, so filled with their type's default: ${names.join(', ')}`)];
};

/** The same token stores a block once per table partition: a row that lands elsewhere the second time is stored twice. */
const partitionKey: Check = (table, pipeline) => {
  if (isVolatile(table.partitionKey, namesOf(table))) {
    return [
      error(`PARTITION BY ${table.partitionKey} does not follow from the row: a retry would store it again`),
    ];
  }
  return table.columns
    .filter(({ inPartitionKey }) => inPartitionKey)
    .flatMap(({ name }) => {
      const source = volatileSource(name, table, pipeline);
      return source === undefined
        ? []
        : [
            error(
              `the table is partitioned by ${name}, and "${source}" gives a retry another value: it would be stored again`,
            ),
          ];
    });
};

/** The expression that makes a column's value another one each time, through DEFAULT, MATERIALIZED and ALIAS at any depth. */
function volatileSource(
  column: string,
  table: TableDescription,
  pipeline: Target,
  seen: ReadonlySet<string> = new Set(),
): string | undefined {
  if (seen.has(column)) return undefined;
  const mapped = pipeline.columns[column];
  // A mapping reads source fields and no columns.
  if (mapped !== undefined)
    return isVolatile(mapped, Object.keys(pipeline.source.fields)) ? mapped : undefined;
  const source = table.columns.find(({ name }) => name === column)?.defaultExpression ?? '';
  if (isVolatile(source, namesOf(table))) return source;
  for (const { name } of table.columns) {
    if (!mentions(source, name)) continue;
    const found = volatileSource(name, table, pipeline, new Set([...seen, column]));
    if (found !== undefined) return found;
  }
  return undefined;
}

function namesOf({ columns }: TableDescription): readonly string[] {
  return columns.map(({ name }) => name);
}

function mentions(expression: string, column: string): boolean {
  const at = expression.indexOf(column);
  if (at < 0) return false;
  const isWord = (character: string) => /[\w]/.test(character);
  return (
    (!isWord(expression.charAt(at - 1)) && !isWord(expression.charAt(at + column.length))) ||
    mentions(expression.slice(at + 1), column)
  );
}

const expressions: Check = (_table, { columns: mapping, source }) =>
  Object.entries(mapping).flatMap(([name, expression]) => [
    ...(/\barrayJoin\s*\(/i.test(expression)
      ? [
          error(
            `columns.${name} uses arrayJoin, which makes several rows of one message; they cannot be counted`,
          ),
        ]
      : []),
    ...(isVolatile(expression, Object.keys(source.fields))
      ? [note(`columns.${name} is "${expression}": a replay gives the row another value`)]
      : []),
  ]);

const condition: Check = (_table, { where, source }) => {
  if (where === undefined) return [];
  const found: TableFinding[] = [];
  if (/\barrayJoin\s*\(/i.test(where))
    found.push(
      error('where uses arrayJoin, which makes several rows of one message; they cannot be counted'),
    );
  if (closesMore(where))
    found.push(error(`where is "${where}", which closes a parenthesis that it does not open`));
  if (isVolatile(where, Object.keys(source.fields)))
    found.push(
      error(
        `where is "${where}": which messages meet it changes from one time to the next, so that no batch could be settled, audited or replayed`,
      ),
    );
  return found;
};

/** Within the statement the condition stands in parentheses, beside what keeps a late body from being stored. */
function closesMore(expression: string): boolean {
  let depth = 0;
  for (const character of expression.replaceAll(/'(?:[^'\\]|\\.|'')*'/g, '')) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (depth < 0) return true;
  }
  return false;
}

const projection: Check = (table, { target }) => {
  const order = POSITION_COLUMN_NAMES.slice(0, 3).join(', ');
  if (table.sortingKey.startsWith(order) || table.createQuery.includes(`ORDER BY ${order}`)) return [];
  return [
    warning(
      'no projection orders the rows by position: every question reads the whole table',
      addProjectionSql(target),
    ),
  ];
};

const DAY = 24 * 60 * 60_000;
/** Shortest lengths, ms. */
const INTERVALS: Readonly<Record<string, number>> = {
  Second: 1_000,
  Minute: 60_000,
  Hour: 60 * 60_000,
  Day: DAY,
  Week: 7 * DAY,
  Month: 28 * DAY,
  Quarter: 90 * DAY,
  Year: 365 * DAY,
};

const ttl: Check = ({ engineFull }, { audit: { horizon } }) => {
  const clause = rowTtl(engineFull) && ttlClause(engineFull);
  if (clause === undefined) return [];
  if (horizon === undefined) {
    return [
      note(
        'the table has a TTL: an audit asks its expression about rows that are not there, and cannot where Pulsar has forgotten the messages; for those, write how long rows are kept as audit.horizon into pipeline.yml',
      ),
    ];
  }
  const lengths = [...clause.matchAll(/toInterval(\w+)\((\d+)\)/g)].map(
    ([, unit = '', count]) => (INTERVALS[unit] ?? 0) * Number(count),
  );
  return lengths.some((length) => length > 0 && length < horizon)
    ? [
        note(
          "audit.horizon is longer than the table's TTL: an audit takes rows in between for missing where Pulsar has forgotten their messages; write no more than rows are kept",
        ),
      ]
    : [];
};

const views: Check = ({ views: names }) =>
  names.length === 0
    ? []
    : [note(`${names.join(', ')} read every insert: a view that fails leaves the table's own rows stored`)];

const CHECKS: readonly Check[] = [
  engine,
  deduplication,
  positionColumns,
  mappedColumns,
  partitionKey,
  expressions,
  condition,
  projection,
  unmappedColumns,
  ttl,
  views,
];

/** Everything about the table that matters, errors first. */
export function checkTable(table: TableDescription, pipeline: Target): readonly TableFinding[] {
  const findings = CHECKS.flatMap((check) => check(table, pipeline));
  const rank = ['error', 'warning', 'note'];
  return findings.sort((a, b) => rank.indexOf(a.severity) - rank.indexOf(b.severity));
}
