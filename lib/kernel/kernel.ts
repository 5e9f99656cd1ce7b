import { ENTRY, PAGE, SLACK } from './layout.ts';
import { MODULE } from './module.ts';

/** What `assembly/index.ts` exports. Addresses and sizes are bytes. */
export interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  buildCrcTables(): void;
  crc32c(start: number, end: number): number;
}

/** A memory larger than this is given back as soon as an entry comes that needs no more than this, bytes. */
const LARGEST_KEPT = 64 * 1024 * 1024;

/** Where the entry in memory lies: see README.md. Addresses in the kernel's memory. */
export interface Placed {
  readonly data: number;
  readonly dataBytes: number;
  readonly bounds: number;
  readonly count: number;
  readonly verdicts: number;
  readonly work: number;
}

const NOWHERE: Placed = { data: 0, dataBytes: 0, bounds: 0, count: 0, verdicts: 0, work: ENTRY };

/**
 * The WebAssembly instance of this thread and its memory. It works on one entry at a time, the resident one: its frame,
 * its decompressed payload, the bounds of its messages. Everything here is synchronous, and whatever an address points
 * to is gone when the next entry is put in.
 */
export class Kernel {
  /** Whose payload and bounds are in memory; undefined while none are. Set by who put them there. */
  residentOf: object | undefined;
  /** Whose tables are in the `ROWS` region. Unset when the instance is made anew. */
  rowsOf: object | undefined;
  #exports = instantiate();
  #bytes = new Uint8Array(this.#exports.memory.buffer);
  #frameBytes = 0;
  #placed = NOWHERE;

  get exports(): KernelExports {
    return this.#exports;
  }

  /** The whole memory. Asked for again after every call that may grow it: `putFrame`, `place`, `load`, `work`. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get placed(): Placed {
    return this.#placed;
  }

  /**
   * Copies a frame to `ENTRY`; what was resident is gone. Answers the address.
   * @throws RangeError when there is no memory for it
   */
  putFrame(frame: Uint8Array): number {
    this.residentOf = undefined;
    this.#placed = NOWHERE;
    this.#frameBytes = frame.length;
    if (this.#bytes.length > LARGEST_KEPT && ENTRY + frame.length + SLACK <= LARGEST_KEPT) this.#renew();
    this.#reach(ENTRY + frame.length + SLACK);
    this.#bytes.set(frame, ENTRY);
    return ENTRY;
  }

  /**
   * Makes room behind the frame for a payload and the bounds and verdicts of its messages. What is there is undefined.
   * @throws RangeError when there is no memory for it
   */
  place(dataBytes: number, count: number): Placed {
    const data = aligned(ENTRY + this.#frameBytes + SLACK);
    const bounds = aligned(data + dataBytes + SLACK);
    const verdicts = bounds + 8 * count;
    const work = aligned(verdicts + count + SLACK);
    this.#reach(work);
    this.#placed = { data, dataBytes, bounds, count, verdicts, work };
    return this.#placed;
  }

  /**
   * Puts an entry in that came from elsewhere, and makes it resident.
   * @param bounds as `Entry.bounds`: `2 * count` offsets into `data`
   * @throws RangeError when there is no memory for it
   */
  load(owner: object, data: Uint8Array, bounds: Int32Array): Placed {
    this.putFrame(NO_FRAME);
    const placed = this.place(data.length, bounds.length / 2);
    this.#bytes.set(data, placed.data);
    new Int32Array(this.#bytes.buffer, placed.bounds, bounds.length).set(bounds);
    this.residentOf = owner;
    return placed;
  }

  /**
   * Room for `bytes` behind the resident entry, for the length of one call. Answers the address.
   * @throws RangeError when there is no memory for it
   */
  work(bytes: number): number {
    const { work } = this.#placed;
    this.#reach(work + bytes + SLACK);
    return work;
  }

  #reach(end: number): void {
    const missing = end - this.#bytes.length;
    if (missing <= 0) return;
    this.#exports.memory.grow(Math.ceil(missing / PAGE));
    this.#bytes = new Uint8Array(this.#exports.memory.buffer);
  }

  #renew(): void {
    this.#exports = instantiate();
    this.#bytes = new Uint8Array(this.#exports.memory.buffer);
    this.rowsOf = undefined;
  }
}

const NO_FRAME = new Uint8Array();

function aligned(address: number): number {
  return Math.ceil(address / 16) * 16;
}

let compiled: WebAssembly.Module | undefined;

function instantiate(): KernelExports {
  compiled ??= new WebAssembly.Module(Buffer.from(MODULE, 'base64'));
  const exports = new WebAssembly.Instance(compiled).exports as unknown as KernelExports;
  exports.buildCrcTables();
  return exports;
}

let shared: Kernel | undefined;

/** The kernel of this thread, made when it is first asked for. */
export function kernel(): Kernel {
  shared ??= new Kernel();
  return shared;
}
