import type { ClickHouseSettings } from '@clickhouse/client';
import type { BinaryRows } from './encode/binary-body.ts';
import { quotedBytes } from './encode/quoted-bytes.ts';
import { quoteString, quoteTable } from './identifiers.ts';
import { inputStructure, insertHead, type Mapping, selectFrom } from './statement.ts';

/** The server's default `max_query_size`, bytes. */
const QUERY_SIZE = 256 * 1024;
const MARGIN = 4 * 1024;

/** An insert whose statement may go on where its body begins. */
export interface InsertRequest {
  readonly sql: string;
  readonly body: readonly Uint8Array[];
  readonly settings: ClickHouseSettings;
}

/** The insert of rows that are all RowBinary. @param structure the fields in the order in which RowBinary has them */
export function binaryStatement(mapping: Mapping, structure: string): string {
  return `${encodedPart(mapping, structure)} FORMAT RowBinary`;
}

/** @param literal SQL, a string of rows of JSONEachRow */
export function unitedStatement(mapping: Mapping, structure: string, literal: string): string {
  const [before, after] = unitedParts(mapping, structure);
  return `${before} ${literal} ${after}`;
}

/**
 * Rows of RowBinary and, in the same statement, those that only the server can read. They are one block, so they are stored
 * together or not at all, and one token stands for them. Each row goes through the same expressions as in a body that is
 * JSON as a whole.
 */
export function binaryInsert(mapping: Mapping, structure: string, rows: BinaryRows): InsertRequest {
  if (rows.unusualRows === 0)
    return { sql: binaryStatement(mapping, structure), body: rows.chunks, settings: {} };
  const [sql, after] = unitedParts(mapping, structure);
  const literal = quotedBytes(rows.unusual);
  const size = Buffer.byteLength(sql + after) + literal.length + MARGIN;
  return {
    sql,
    body: [literal, Buffer.from(`${after}\n`), ...rows.chunks],
    settings: {
      // The server's query log keeps what comes first: messages do not belong in there.
      log_queries_cut_to_length: `${encodedPart(mapping, structure).length}`,
      // So much of the body it copies before it parses the statement: no more than needed.
      ...(size > QUERY_SIZE && { max_query_size: `${size}` }),
    },
  };
}

function encodedPart(mapping: Mapping, structure: string): string {
  const { head, tail } = selectFrom(mapping);
  return `${insertHead(quoteTable(mapping.target), mapping)} ${head} input(${quoteString(structure)}) ${tail}`;
}

function unitedParts(mapping: Mapping, structure: string): readonly [before: string, after: string] {
  const { head, tail } = selectFrom(mapping);
  const json = `format(JSONEachRow, ${quoteString(inputStructure(mapping))},`;
  return [`${encodedPart(mapping, structure)} UNION ALL ${head} ${json}`, `) ${tail} FORMAT RowBinary`];
}
