import { messageOf } from '../../../pipeline/errors.ts';
import type { Entry } from '../../../ports/transport.ts';
import { openEntry, type RawEntry } from '../entry.ts';
import { ChunkSequence } from './chunk-sequence.ts';
import { GivenUpChunk } from './given-up-chunk.ts';
import { mergedEntry } from './merged-entry.ts';
import { FRAME_OVERHEAD } from './permits.ts';

/** A message whose chunks are followed by something published so much later is given up, milliseconds. */
export const EXPIRES_AFTER = 2 * 60_000;

/** One entry as it came, with what there is of it by itself: nothing for a chunk. */
interface Held {
  readonly raw: RawEntry;
  readonly entry: Entry | undefined;
}

/**
 * Makes entries of chunks. From the first chunk of a message up to the point where no message is incomplete everything
 * becomes one entry, whose position is that of the last frame: producers interleave, and a position within would cut a
 * message in two.
 *
 * A message that will not be whole is given up, and each of its chunks becomes an entry of its own, or a message of its own in
 * the entry of others, with a reason. It is so when one of its chunks is missing or contradicts; when the same producer goes
 * on to another message; when something published two minutes later follows; when more would have to be held than an
 * entry may have; when its beginning was not read. All of this follows from the frames alone, and as a chunk that was given
 * up means the same wherever reading began, every reader makes the same entries.
 */
export class EntryGroup {
  readonly #maxBytes: number;
  #held: Held[] = [];
  #incomplete = new Map<string, ChunkSequence>();
  #parts: Entry[] = [];
  #bytes = 0;
  /** Chunks of messages given up, while they are gone through again. */
  readonly #givenUp = new Map<RawEntry, string>();
  #ready: Entry[] = [];

  /** @param maxBytes most that an entry may hold, decompressed, and that is held while messages are incomplete. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether nothing is held back. */
  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Why something is held back, in words. */
  get waitsFor(): string | undefined {
    const [oldest] = this.#incomplete.values();
    return oldest?.progress;
  }

  /** When the newest of what is held was published, milliseconds since the epoch. */
  get newest(): number {
    return this.#held.reduce((newest, { raw }) => Math.max(newest, raw.metadata.publishTime), 0);
  }

  /**
   * Answers the entries that this one completes, in order.
   * @throws PulsehouseError when it cannot be opened; it is then left out, and what is held stays as it was.
   */
  add(raw: RawEntry): readonly Entry[] {
    const isChunk = raw.metadata.chunks > 1;
    const entry = isChunk ? undefined : openEntry(raw, this.#maxBytes);
    for (;;) {
      const ended = this.#endedBy(raw);
      if (ended === undefined) break;
      this.#giveUp(...ended);
    }
    this.#take({ raw, entry });
    return this.#takeReady();
  }

  /** Gives up all that is incomplete, and answers what was held. */
  giveUpAll(why: string): readonly Entry[] {
    for (const sequence of [...this.#incomplete.values()]) {
      for (const chunk of sequence.seen) this.#givenUp.set(chunk, why);
    }
    this.#goThroughAgain();
    return this.#takeReady();
  }

  #takeReady(): readonly Entry[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** A message that is over because of what follows it. */
  #endedBy({ metadata }: RawEntry): [ChunkSequence, string] | undefined {
    for (const sequence of this.#incomplete.values()) {
      const begun = sequence.first.metadata;
      const isNext = metadata.producerName === begun.producerName && metadata.sequenceId > begun.sequenceId;
      if (isNext) return [sequence, 'its producer went on to another message'];
      if (metadata.publishTime - begun.publishTime > EXPIRES_AFTER)
        return [sequence, `it was not whole ${EXPIRES_AFTER / 60_000} minutes after its first chunk`];
    }
    return undefined;
  }

  #take(held: Held): void {
    const { raw, entry } = held;
    this.#held.push(held);
    this.#bytes += FRAME_OVERHEAD + (entry?.dataBytes ?? raw.payloadStart);
    if (entry) this.#parts.push(entry);
    else if (!this.#takeChunk(raw)) return;
    if (this.#incomplete.size === 0) {
      this.#emit(raw);
      return;
    }
    const [oldest] = this.#incomplete.values();
    if (oldest && this.#bytes > this.#maxBytes)
      this.#giveUp(oldest, `more than ${this.#maxBytes} bytes would have to be held for it`);
  }

  /** Answers false when what is held was gone through again because of it. */
  #takeChunk(raw: RawEntry): boolean {
    const { uuid = '', chunkId } = raw.metadata;
    const given = this.#givenUp.get(raw);
    const begun = this.#incomplete.get(uuid) ?? (chunkId === 0 ? new ChunkSequence(raw) : undefined);
    if (given !== undefined || begun === undefined) {
      this.#bytes += raw.frame.length - raw.payloadStart;
      this.#parts.push(new GivenUpChunk(raw, given ?? 'its beginning was not read'));
      return true;
    }
    const before = this.#incomplete.has(uuid) ? begun.bytes : 0;
    this.#incomplete.set(uuid, begun);
    const fault =
      begun.add(raw) ?? this.#tooMuch(begun) ?? (begun.isWhole ? this.#join(uuid, begun) : undefined);
    this.#bytes += begun.bytes - before;
    if (fault === undefined) return true;
    this.#giveUp(begun, fault);
    return false;
  }

  #tooMuch({ bytes }: ChunkSequence): string | undefined {
    return bytes > this.#maxBytes
      ? `more than ${this.#maxBytes} bytes would have to be held for it`
      : undefined;
  }

  /** Answers why it cannot be read. */
  #join(uuid: string, sequence: ChunkSequence): string | undefined {
    try {
      this.#parts.push(sequence.join(this.#maxBytes));
      this.#incomplete.delete(uuid);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  #giveUp({ firstAttempt }: ChunkSequence, why: string): void {
    for (const chunk of firstAttempt) this.#givenUp.set(chunk, why);
    this.#goThroughAgain();
  }

  /** As a reader would that knows what is given up. */
  #goThroughAgain(): void {
    const held = this.#held;
    this.#reset();
    for (const one of held) this.#take(one);
  }

  #emit({ position, brokerIndex }: RawEntry): void {
    const [only, ...others] = this.#parts;
    const first = this.#held[0]?.raw.position ?? position;
    const isOne = only !== undefined && others.length === 0;
    this.#ready.push(isOne ? only : mergedEntry(this.#parts, { position, brokerIndex }, first));
    for (const { raw } of this.#held) this.#givenUp.delete(raw);
    this.#reset();
  }

  #reset(): void {
    this.#held = [];
    this.#incomplete = new Map();
    this.#parts = [];
    this.#bytes = 0;
  }
}
