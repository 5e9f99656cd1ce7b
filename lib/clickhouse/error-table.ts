/**
 * What a server error means for an insert.
 * - data: a value does not fit; other rows may.
 * - schema: the table, a column or the mapping is wrong; no row fits.
 * - access: the user may not.
 * - busy: a limit that passes by itself.
 */
export type Meaning = 'data' | 'schema' | 'access' | 'busy';

/**
 * What codes of ClickHouse are about, each seen on a real server (but 497, which needs users that the local one cannot
 * make). It words an error and says what is looked at first. Which rows cannot be stored is found by trying them, never by
 * a code: functions raise many others by value.
 */
const MEANINGS: ReadonlyMap<number, Meaning> = new Map([
  [6, 'data'], // CANNOT_PARSE_TEXT
  [25, 'data'], // CANNOT_PARSE_ESCAPE_SEQUENCE
  [26, 'data'], // CANNOT_PARSE_QUOTED_STRING
  [27, 'data'], // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  [38, 'data'], // CANNOT_PARSE_DATE
  [41, 'data'], // CANNOT_PARSE_DATETIME
  [69, 'data'], // ARGUMENT_OUT_OF_BOUND
  [70, 'data'], // CANNOT_CONVERT_TYPE
  [72, 'data'], // CANNOT_PARSE_NUMBER
  [117, 'data'], // INCORRECT_DATA
  [131, 'data'], // TOO_LARGE_STRING_SIZE
  [135, 'data'], // ZERO_ARRAY_OR_TUPLE_INDEX
  [153, 'data'], // ILLEGAL_DIVISION
  [190, 'data'], // SIZES_OF_ARRAYS_DONT_MATCH
  [349, 'data'], // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  [376, 'data'], // CANNOT_PARSE_UUID
  [407, 'data'], // DECIMAL_OVERFLOW
  [467, 'data'], // CANNOT_PARSE_BOOL
  [469, 'data'], // VIOLATED_CONSTRAINT
  [675, 'data'], // CANNOT_PARSE_IPV4
  [676, 'data'], // CANNOT_PARSE_IPV6
  [691, 'data'], // UNKNOWN_ELEMENT_OF_ENUM
  [16, 'schema'], // NO_SUCH_COLUMN_IN_TABLE
  [42, 'schema'], // NUMBER_OF_ARGUMENTS_DOESNT_MATCH
  [43, 'schema'], // ILLEGAL_TYPE_OF_ARGUMENT
  [44, 'schema'], // ILLEGAL_COLUMN
  [46, 'schema'], // UNKNOWN_FUNCTION
  [47, 'schema'], // UNKNOWN_IDENTIFIER
  [50, 'schema'], // UNKNOWN_TYPE
  [60, 'schema'], // UNKNOWN_TABLE
  [62, 'schema'], // SYNTAX_ERROR
  [81, 'schema'], // UNKNOWN_DATABASE
  [215, 'schema'], // NOT_AN_AGGREGATE
  [164, 'access'], // READONLY
  [194, 'access'], // REQUIRED_PASSWORD
  [497, 'access'], // ACCESS_DENIED
  [511, 'access'], // UNKNOWN_ROLE
  [512, 'access'], // SET_NON_GRANTED_ROLE
  [516, 'access'], // AUTHENTICATION_FAILED
  [202, 'busy'], // TOO_MANY_SIMULTANEOUS_QUERIES
  [252, 'busy'], // TOO_MANY_PARTS
]);

/** FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: raised by our own condition for a late body, or by anybody's view. */
export const THROW_IF = 395;

/** For questions, which change nothing: limits and failures after which the same question may be answered. */
const PASSING: ReadonlySet<number> = new Set([
  3, // UNEXPECTED_END_OF_FILE
  159, // TIMEOUT_EXCEEDED
  160, // TOO_SLOW
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  236, // ABORTED
  241, // MEMORY_LIMIT_EXCEEDED
  242, // TABLE_IS_READ_ONLY
  285, // TOO_FEW_LIVE_REPLICAS
  394, // QUERY_WAS_CANCELLED
  439, // CANNOT_SCHEDULE_TASK
  999, // KEEPER_EXCEPTION
]);

/** What an error is about, or undefined when its code does not say. */
export function meaningOf(code: number, text: string): Meaning | undefined {
  if (code === 252 && text.includes('single INSERT block')) return 'schema';
  return MEANINGS.get(code);
}

export function isPassing(code: number): boolean {
  return PASSING.has(code);
}

/**
 * The row (from 0) that the server names in an error about a body. Only where it stands at the end of the server's own
 * line: the excerpt before it quotes payloads, which may hold the same words but never a raw newline.
 */
export function badRowOf(text: string): number | undefined {
  const row =
    /: \(at row (\d+)\)\s*\n: While executing/.exec(text)?.[1] ??
    / is violated at row (\d+)\. Expression: /.exec(text)?.[1];
  return row === undefined ? undefined : Number(row) - 1;
}

/** The column that the server names, in any of the ways it does. */
export function columnOf(text: string): string | undefined {
  return (
    /\(while reading the value of key ([^)\s:]+)\)/.exec(text)?.[1] ??
    /column [`'"]?([A-Za-z_][\w.]*)/.exec(text)?.[1]
  );
}

/** A view fails after the table's own rows were stored, whatever the code. */
export function isOfView(text: string): boolean {
  return text.includes('while pushing to view');
}
