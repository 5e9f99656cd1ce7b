import type { RowEncoder } from './encode/row-encoder.ts';

/** ClickHouse's own names. */
export const ROW_FORMATS = ['RowBinary', 'JSONEachRow'] as const;

/** How the rows of a pipeline's batches are sent: decided once, by what its fields are declared as. */
export type RowFormat =
  | {
      readonly name: 'RowBinary';
      /** The fields of `input()`, in the order in which a row has them. */
      readonly structure: string;
      readonly encoder: RowEncoder;
    }
  | {
      readonly name: 'JSONEachRow';
      /** Why it is not RowBinary. */
      readonly reason: string;
    };
