import type { Position } from '../../pipeline/position.ts';

const ZERO = 0x30;

/**
 * The bytes that say where a row came from and stand before everything the message itself holds. ClickHouse refuses a
 * second key of the same name, or leaves it unread once it has seen every field, so no payload can claim another position.
 * Written once an entry; only the index differs from row to row.
 */
export class RowPrefix {
  readonly #bytes = Buffer.alloc(160);
  readonly #withPublishTime: boolean;
  /** How much of `#bytes` the entry's prefix takes. */
  #length = 0;

  constructor(withPublishTime: boolean) {
    this.#withPublishTime = withPublishTime;
  }

  /** The most bytes `write` may need. */
  get maxLength(): number {
    return this.#length + 10;
  }

  /** @param publishTime milliseconds since the epoch. */
  begin(position: Position, publishTime: number): void {
    const time = this.#withPublishTime ? `,"_publish_time":${publishTime}` : '';
    this.#length = this.#bytes.write(
      `{"_ledger":${position.ledger},"_entry":${position.entry}${time},"_index":`,
      'latin1',
    );
  }

  /** Writes what stands before the index; answers where it ends. */
  writeHead(target: Uint8Array, at: number): number {
    const length = this.#length;
    for (let index = 0; index < length; index++) target[at + index] = this.#bytes[index] as number;
    return at + length;
  }

  /** Writes the prefix for the message `index` at `at`; answers where it ends. The caller has seen to the room. */
  write(target: Uint8Array, at: number, index: number): number {
    return writeDigits(target, this.writeHead(target, at), index);
  }
}

/** Decimal digits of an integer from 0 to 2^31 - 1. */
function writeDigits(target: Uint8Array, at: number, value: number): number {
  let end = at + 1;
  for (let rest = value; rest > 9; rest = (rest / 10) | 0) end++;
  let rest = value;
  for (let i = end - 1; i >= at; i--) {
    const tens = (rest / 10) | 0;
    target[i] = ZERO + rest - tens * 10;
    rest = tens;
  }
  return end;
}
