import type { Message } from 'pulsar-client';
import { PulsehouseError } from '../../pipeline/errors.ts';
import { formatPosition, isAfter, isSamePosition, type Position } from '../../pipeline/position.ts';
import type { Entry } from '../../ports/transport.ts';
import { clientEntry } from './client-entry.ts';
import type { ParsedId } from './message-id.ts';

/**
 * Whole entries from single messages. Every id says how many messages its batch has, so an entry is complete with its
 * last one, and a message that is missing in the middle is noticed. What the client delivers again after a reconnect is
 * dropped.
 */
export class EntryAssembler {
  #last: Position;
  #id: ParsedId | undefined;
  #messages: Message[] = [];
  #payloads: Uint8Array[] = [];

  /** @param after nothing at or below it is given out. */
  constructor(after: Position) {
    this.#last = after;
  }

  /** Newest entry given out, or the position to begin after. */
  get last(): Position {
    return this.#last;
  }

  /**
   * Answers the entry that the message completed.
   * @throws PulsehouseError PH_PULSAR_ENTRIES_MISSING, PH_PULSAR_ENCRYPTED, PH_PULSAR_CHUNKS_INCOMPLETE
   */
  add(id: ParsedId, message: Message): Entry | undefined {
    if (!isAfter(id.position, this.#last)) return undefined;
    if (id.index === 0 && this.#messages.length === 0) this.#begin(id, message);
    const current = this.#id;
    const isCurrent = current !== undefined && isSamePosition(current.position, id.position);
    if (isCurrent && id.index < this.#messages.length) return undefined;
    if (!isCurrent || id.index !== this.#messages.length) throw this.#missing(id);
    this.#messages.push(message);
    this.#payloads.push(message.getData());
    if (this.#messages.length < id.count) return undefined;
    const entry = clientEntry(id, this.#messages, this.#payloads);
    this.#last = id.position;
    this.#id = undefined;
    this.#messages = [];
    this.#payloads = [];
    return entry;
  }

  #begin(id: ParsedId, message: Message): void {
    if (message.getEncryptionContext() !== null) {
      throw new PulsehouseError('PH_PULSAR_ENCRYPTED', 'the message is encrypted end to end', {
        where: { position: formatPosition(id.position) },
      });
    }
    if (!isAfter(id.firstPosition, this.#last)) {
      throw interleaved(id.firstPosition, `those of the message at ${formatPosition(id.position)}`);
    }
    this.#id = id;
  }

  #missing(id: ParsedId): PulsehouseError {
    const expected =
      this.#id === undefined
        ? 'message 0 of an entry'
        : `message ${this.#messages.length} of ${formatPosition(this.#id.position)}`;
    return new PulsehouseError(
      'PH_PULSAR_ENTRIES_MISSING',
      `the client delivered message ${id.index} of ${formatPosition(id.position)} where ${expected} had to come`,
      { where: { position: formatPosition(id.position) } },
    );
  }
}

/** Resuming between the chunks of a message would lose it unseen: the client drops chunks whose beginning it lacks. */
export function interleaved(position: Position, what: string): PulsehouseError {
  return new PulsehouseError(
    'PH_PULSAR_CHUNKS_INCOMPLETE',
    `other messages lie between chunks: ${what}; pulsar-client cannot resume between them`,
    {
      where: { position: formatPosition(position) },
      nextStep: 'Set PULSAR_TRANSPORT=wire, which gives such messages out as one entry.',
    },
  );
}
