import type { RowRange } from '../ports/sink.ts';

export interface Condition {
  readonly sql: string;
  readonly parameters: Readonly<Record<string, number>>;
}

/**
 * `(after, to]` of one partition as flat ranges over the position columns: the projection is ordered by them and prunes by
 * them, where a comparison of tuples would read everything.
 */
export function inRange(range: RowRange): Condition {
  const { after, partition, to } = range;
  const parameters = {
    partition,
    afterLedger: after.ledger,
    afterEntry: after.entry,
    toLedger: to.ledger,
    toEntry: to.entry,
  };
  const sql =
    after.ledger === to.ledger
      ? '_partition = {partition:UInt32} AND _ledger = {toLedger:Int64} AND _entry > {afterEntry:Int64} AND _entry <= {toEntry:Int64}'
      : `_partition = {partition:UInt32} AND _ledger >= {afterLedger:Int64} AND _ledger <= {toLedger:Int64} AND (
  (_ledger = {afterLedger:Int64} AND _entry > {afterEntry:Int64})
  OR (_ledger > {afterLedger:Int64} AND _ledger < {toLedger:Int64})
  OR (_ledger = {toLedger:Int64} AND _entry <= {toEntry:Int64}))`;
  return { sql, parameters };
}

/** Where no parameters are taken: a mutation is stored as text and carried out later. Every value is a number. */
export function inline({ sql, parameters }: Condition): string {
  return sql.replaceAll(/\{(\w+):U?Int\d+\}/g, (_, name: string) => String(parameters[name]));
}
