import { type Kernel, kernel, type Placed } from '../../kernel/kernel.ts';
import { ANSWERS, ROW_PREFIX } from '../../kernel/layout.ts';
import type { LeaveOut } from '../../ports/sink.ts';
import type { Entry } from '../../ports/transport.ts';
import type { RowPrefix } from './row-prefix.ts';

/** The most that stands in a row beside the prefix and the payload: the digits of the index, a comma, a newline. */
const MOST_BETWEEN = 12;

/** A run of rows. Their bytes are in the kernel, so they are copied before anything else is done. */
export interface SplicedRows {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Holds, from `starts` on, where each row begins in `bytes`, and from `indexes` on its message's index within the entry. */
  readonly words: Int32Array;
  readonly starts: number;
  readonly indexes: number;
  /** The first message that became no row and was not left out: it is for the caller to decide. `count` where there is none. */
  readonly next: number;
  /** Whether its payload is one JSON object all the same, with values that have to be looked at. */
  readonly isObject: boolean;
}

/** Makes rows of the messages of one entry in the kernel. */
export class KernelSplice {
  readonly #entry: Entry;
  readonly #prefix: RowPrefix;
  readonly #concerns: number;
  readonly #skipped: Uint8Array | undefined;

  /**
   * @param prefix begun for the entry
   * @param concerns `SEEN` of payloads whose values have to be looked at
   */
  constructor(entry: Entry, prefix: RowPrefix, concerns: number, leaveOut: LeaveOut | undefined) {
    this.#entry = entry;
    this.#prefix = prefix;
    this.#concerns = concerns;
    const { count, position } = entry;
    this.#skipped =
      leaveOut && Uint8Array.from({ length: count }, (_, index) => Number(leaveOut(position, index)));
  }

  /** The rows from the message `index` on; undefined where the kernel does not take the entry. */
  rowsFrom(index: number): SplicedRows | undefined {
    const shared = kernel();
    const placed = shared.reside(this.#entry);
    return placed && this.#splice(shared, placed, index);
  }

  #splice(shared: Kernel, { data, dataBytes, bounds, count, verdicts }: Placed, index: number): SplicedRows {
    const prefixBytes = this.#prefix.writeHead(shared.bytes, ROW_PREFIX) - ROW_PREFIX;
    const room = dataBytes + count * (prefixBytes + MOST_BETWEEN);
    const starts = shared.work(8 * count + room);
    const indexes = starts + 4 * count;
    const out = indexes + 4 * count;
    const { bytes, exports } = shared;
    if (this.#skipped) bytes.set(this.#skipped, verdicts);
    else bytes.fill(0, verdicts, verdicts + count);
    const next = exports.splice(
      data,
      bounds,
      index,
      count,
      verdicts,
      this.#concerns,
      prefixBytes,
      starts,
      indexes,
      out,
      out + room,
    );
    const { words } = shared;
    const rows = words[ANSWERS / 4] as number;
    const end = words[ANSWERS / 4 + 1] as number;
    const seen = words[ANSWERS / 4 + 2] as number;
    return {
      bytes: bytes.subarray(out, out + end),
      rows,
      words,
      starts: starts / 4,
      indexes: indexes / 4,
      next,
      isObject: next < count && seen >= 0,
    };
  }
}
