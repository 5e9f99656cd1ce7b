import { encodeRows } from '../../kernel/encode-rows.ts';
import type { RowTables } from '../../kernel/field-kinds.ts';
import { kernel } from '../../kernel/kernel.ts';
import type { Entry } from '../../ports/transport.ts';
import { type EncodedRows, type RowEncoder, VERDICT } from './row-encoder.ts';

const NO_BYTES = new Uint8Array();

/** Rows are made in the kernel. */
export class KernelEncoder implements RowEncoder {
  readonly #tables: RowTables;

  constructor(tables: RowTables) {
    this.#tables = tables;
  }

  encode(entry: Entry, leaveOut: Uint8Array | undefined): EncodedRows {
    const { position, publishTime } = entry;
    const at = { ledger: position.ledger, entry: position.entry, publishTime };
    const rows = encodeRows(kernel(), this.#tables, entry, at, leaveOut);
    return rows ?? unusual(entry, leaveOut);
  }
}

/** What the kernel has no room for. */
function unusual({ count }: Entry, leaveOut: Uint8Array | undefined): EncodedRows {
  const verdicts = new Uint8Array(count).fill(VERDICT.unusual);
  leaveOut?.forEach((isLeftOut, index) => {
    if (isLeftOut === 1) verdicts[index] = VERDICT.skipped;
  });
  return { bytes: NO_BYTES, rows: 0, verdicts };
}
