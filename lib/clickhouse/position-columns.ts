/**
 * The columns that say which message a row came from, in the order of the projection that answers questions about them.
 * They make an insert in doubt answerable and an audit exact.
 */
export const POSITION_COLUMNS = {
  _partition: 'UInt32',
  _ledger: 'Int64',
  _entry: 'Int64',
  _index: 'UInt32',
  _row: 'UInt32',
} as const;

export const POSITION_COLUMN_NAMES: readonly string[] = Object.keys(POSITION_COLUMNS);

export const POSITION_PROJECTION = '_positions';

/** Of the position columns those that differ from row to row: they come with each row, the others with the statement. */
export const ROW_POSITION_FIELDS = {
  _ledger: POSITION_COLUMNS._ledger,
  _entry: POSITION_COLUMNS._entry,
  _index: POSITION_COLUMNS._index,
} as const;

/** The publish time in milliseconds since the epoch: in the body only where an expression asks for it. */
export const PUBLISH_TIME_FIELD = '_publish_time';
