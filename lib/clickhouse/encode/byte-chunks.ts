/** What is as large is not copied: a chunk of its own costs less. */
const LARGE = 32 * 1024;
const FIRST_CHUNK = 64 * 1024;
const LARGEST_CHUNK = 1024 * 1024;

/** Bytes one after the other in chunks that are worth a write each. */
export class ByteChunks {
  readonly #closed: Uint8Array[] = [];
  #open = new Uint8Array();
  #used = 0;
  #byteLength = 0;

  get byteLength(): number {
    return this.#byteLength;
  }

  /** @param bytes the caller's no longer */
  append(bytes: Uint8Array): void {
    this.#byteLength += bytes.length;
    if (bytes.length >= LARGE) {
      this.#close();
      this.#closed.push(bytes);
      return;
    }
    if (this.#open.length - this.#used < bytes.length) {
      const next = Math.min(LARGEST_CHUNK, Math.max(FIRST_CHUNK, 2 * this.#open.length));
      this.#close();
      // Never from Node's pool: a chunk lives as long as its batch. Unwritten bytes are never read.
      this.#open = Buffer.allocUnsafeSlow(next);
    }
    this.#open.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  chunks(): readonly Uint8Array[] {
    return this.#used === 0 ? this.#closed : [...this.#closed, this.#open.subarray(0, this.#used)];
  }

  /** What is left of the open chunk is written on. */
  #close(): void {
    if (this.#used > 0) this.#closed.push(this.#open.subarray(0, this.#used));
    this.#open = this.#open.subarray(this.#used);
    this.#used = 0;
  }
}
