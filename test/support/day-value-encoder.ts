import { type EncodedRows, type RowEncoder, VERDICT } from '../../lib/clickhouse/encode/row-encoder.ts';
import type { Entry } from '../../lib/ports/transport.ts';

/** The fields of `{"day":"2026-01-05","value":1}` messages, in the order of `DayValueEncoder`'s rows. */
export const DAY_VALUE_STRUCTURE =
  '`_ledger` Int64, `_entry` Int64, `_index` UInt32, `value` Int64, `day` Date';

const PLAIN = /^\{"day":"(\d{4}-\d{2}-\d{2})","value":(-?\d{1,15})\}$/;
const ROW_BYTES = 8 + 8 + 4 + 8 + 2;
const DAY = 24 * 60 * 60 * 1000;

/** A reference: messages that are written exactly so are rows, all others are unusual. */
export class DayValueEncoder implements RowEncoder {
  readonly #strings: number;

  /** @param strings fields of type String behind the others, which such messages lack */
  constructor(strings = 0) {
    this.#strings = strings;
  }

  encode({ bounds, count, data, position }: Entry, leaveOut: Uint8Array | undefined): EncodedRows {
    const verdicts = new Uint8Array(count);
    const rowBytes = ROW_BYTES + this.#strings;
    const bytes = Buffer.alloc(count * rowBytes);
    let at = 0;
    for (let index = 0; index < count; index++) {
      const text = Buffer.from(data.subarray(Math.max(0, bounds[2 * index] ?? 0), bounds[2 * index + 1]));
      const [, day, value] = (bounds[2 * index] ?? 0) < 0 ? [] : (PLAIN.exec(text.toString('latin1')) ?? []);
      if (leaveOut?.[index] === 1) verdicts[index] = VERDICT.skipped;
      else if (day === undefined || value === undefined) verdicts[index] = VERDICT.unusual;
      else {
        at = bytes.writeBigInt64LE(BigInt(position.ledger), at);
        at = bytes.writeBigInt64LE(BigInt(position.entry), at);
        at = bytes.writeUInt32LE(index, at);
        at = bytes.writeBigInt64LE(BigInt(value), at);
        at = bytes.writeUInt16LE(Date.parse(day) / DAY, at) + this.#strings;
      }
    }
    return { bytes: bytes.subarray(0, at), rows: at / rowBytes, verdicts };
  }
}
