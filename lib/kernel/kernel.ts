import { ENTRY, PAGE, SLACK } from './layout.ts';
import { MODULE } from './module.ts';

/** What `assembly/index.ts` exports: described there. Addresses and sizes are bytes. */
export interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  buildCrcTables(): void;
  crc32c(start: number, end: number): number;
  lz4Decode(from: number, end: number, out: number, size: number): number;
  snappyDecode(from: number, end: number, out: number, size: number): number;
  lz4Encode(from: number, size: number, out: number): number;
  batchBounds(data: number, size: number, count: number, bounds: number): number;
  checkObject(start: number, end: number): number;
  encodeRows(
    data: number,
    bounds: number,
    count: number,
    verdicts: number,
    fixedBytes: number,
    indexAt: number,
    slots: number,
    scratch: number,
    elements: number,
    out: number,
  ): number;
  hashKey(key: number, bytes: number, object: number): number;
  splice(
    data: number,
    bounds: number,
    index: number,
    count: number,
    skipped: number,
    concerns: number,
    prefixBytes: number,
    starts: number,
    indexes: number,
    out: number,
    limit: number,
  ): number;
}

/** A memory larger than this is given back as soon as an entry comes that needs no more than this, bytes. */
const LARGEST_KEPT = 64 * 1024 * 1024;

/** What is larger, frame or payload, is left to TypeScript: here it would take its size three times over. */
const LARGEST_TAKEN = 32 * 1024 * 1024;

/** Where the entry in memory lies: see README.md. Addresses in the kernel's memory. */
export interface Placed {
  readonly data: number;
  readonly dataBytes: number;
  readonly bounds: number;
  readonly count: number;
  readonly verdicts: number;
}

/** What can be made resident. */
export interface Residing {
  readonly data: Uint8Array;
  /** `2 * count` offsets into `data`, as `Entry.bounds`. */
  readonly bounds: Int32Array;
  /** Puts it in without a copy of it outside; answers false where the kernel does not take it. */
  putInto?(kernel: Kernel): boolean;
}

const NOWHERE: Placed = { data: 0, dataBytes: 0, bounds: 0, count: 0, verdicts: 0 };

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
  #words = new Int32Array(this.#exports.memory.buffer);
  #frame: Uint8Array | undefined;
  #placed = NOWHERE;
  /** Where the working area begins: behind all that is in memory. */
  #free = ENTRY;

  get exports(): KernelExports {
    return this.#exports;
  }

  /** The whole memory. Asked for again after every call that may grow it: `putFrame`, `place`, `load`, `work`. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** The same memory by words of 32 bits. */
  get words(): Int32Array {
    return this.#words;
  }

  /** What `putFrame` put in last. */
  get frame(): Uint8Array | undefined {
    return this.#frame;
  }

  get placed(): Placed {
    return this.#placed;
  }

  /**
   * Copies a frame to `ENTRY`; what was resident is gone. Answers false where it is larger than the kernel takes.
   * @throws RangeError when there is no memory for it, as the others that make room do
   */
  putFrame(frame: Uint8Array): boolean {
    this.residentOf = undefined;
    this.#placed = NOWHERE;
    this.#frame = undefined;
    this.#free = ENTRY;
    const end = ENTRY + frame.length + SLACK;
    if (this.#bytes.length > LARGEST_KEPT && end <= LARGEST_KEPT) this.#renew();
    if (frame.length > LARGEST_TAKEN) return false;
    this.#reach(end);
    this.#bytes.set(frame, ENTRY);
    this.#frame = frame;
    this.#free = aligned(end);
    return true;
  }

  /**
   * Makes room for a payload behind the frame, and for the bounds and verdicts of its messages. What is there is undefined.
   * Answers undefined as `putFrame` answers false.
   */
  place(dataBytes: number, count: number): Placed | undefined {
    const data = aligned(ENTRY + (this.#frame?.length ?? 0) + SLACK);
    return this.#placeAt(data, dataBytes, data + dataBytes, count);
  }

  /** As `place`, for a payload that is a part of the frame. @param start offset into the frame */
  placeInFrame(start: number, dataBytes: number, count: number): Placed | undefined {
    return this.#placeAt(ENTRY + start, dataBytes, ENTRY + (this.#frame?.length ?? 0), count);
  }

  #placeAt(data: number, dataBytes: number, end: number, count: number): Placed | undefined {
    const bounds = aligned(end + SLACK);
    const verdicts = bounds + 8 * count;
    const work = aligned(verdicts + count + SLACK);
    this.residentOf = undefined;
    if (dataBytes > LARGEST_TAKEN) return undefined;
    this.#reach(work);
    this.#placed = { data, dataBytes, bounds, count, verdicts };
    this.#free = work;
    return this.#placed;
  }

  /** Copies an entry in that came from elsewhere, and makes it resident. Answers undefined as `putFrame` answers false. */
  load(owner: object, data: Uint8Array, bounds: Int32Array): Placed | undefined {
    this.putFrame(NO_FRAME);
    const placed = this.place(data.length, bounds.length / 2);
    if (placed === undefined) return undefined;
    this.#bytes.set(data, placed.data);
    this.#words.set(bounds, placed.bounds / 4);
    this.residentOf = owner;
    return placed;
  }

  /** Makes the entry resident, unless it is. Answers undefined as `putFrame` answers false. */
  reside(entry: Residing): Placed | undefined {
    if (this.residentOf === entry) return this.#placed;
    if (entry.putInto === undefined) return this.load(entry, entry.data, entry.bounds);
    return entry.putInto(this) ? this.#placed : undefined;
  }

  /**
   * Room for `bytes` behind the resident entry, for the length of one call. Answers the address.
   * @throws RangeError when there is no memory for it
   */
  work(bytes: number): number {
    this.#reach(this.#free + bytes + SLACK);
    return this.#free;
  }

  #reach(end: number): void {
    const missing = end - this.#bytes.length;
    if (missing <= 0) return;
    this.#exports.memory.grow(Math.ceil(missing / PAGE));
    this.#look();
  }

  #renew(): void {
    this.#exports = instantiate();
    this.#look();
    this.rowsOf = undefined;
  }

  #look(): void {
    this.#bytes = new Uint8Array(this.#exports.memory.buffer);
    this.#words = new Int32Array(this.#exports.memory.buffer);
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
