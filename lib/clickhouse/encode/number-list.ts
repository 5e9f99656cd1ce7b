const FIRST = 1024;

/** Whole numbers below 2^32, four bytes each. */
export class NumberList {
  #numbers = new Uint32Array(FIRST);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Undefined where there is none. */
  at(index: number): number | undefined {
    return index < this.#length ? this.#numbers[index] : undefined;
  }

  push(number: number): void {
    this.#makeRoom(1);
    this.#numbers[this.#length++] = number;
  }

  /** Appends `count` numbers of `words`, from `first` on, each plus `offset`. */
  append(words: Int32Array, first: number, count: number, offset = 0): void {
    this.#makeRoom(count);
    const shift = this.#length - first;
    const target = this.#numbers;
    for (let at = first; at < first + count; at++) target[at + shift] = (words[at] as number) + offset;
    this.#length += count;
  }

  #makeRoom(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#numbers.length) return;
    const larger = new Uint32Array(Math.max(needed, 2 * this.#numbers.length));
    larger.set(this.#numbers);
    this.#numbers = larger;
  }
}
