import type { Message } from 'pulsar-client';
import type { Position } from '../../pipeline/position.ts';
import type { Entry, MessageMetadata } from '../../ports/transport.ts';
import type { ParsedId } from './message-id.ts';

/**
 * One entry put together again from the messages that the client took it apart into. The client tells neither sequence
 * ids nor schema versions nor broker indexes, and shows a null value as an empty one.
 */
export class ClientEntry implements Entry {
  readonly position: Position;
  readonly firstPosition: Position;
  readonly publishTime: number;
  readonly count: number;
  readonly data: Uint8Array;
  readonly bounds: Int32Array;
  readonly messages: number;
  /** Decompressed payload bytes: the client does not tell how many came over the wire. */
  readonly wireBytes: number;
  readonly brokerIndex = undefined;
  readonly schemaVersion = undefined;
  readonly #messages: readonly Message[];

  /** @param messages all of the entry, in the order of their indexes. */
  constructor(id: ParsedId, messages: readonly Message[], payloads: readonly Uint8Array[]) {
    this.position = id.position;
    this.firstPosition = id.firstPosition;
    this.publishTime = messages[0]?.getPublishTimestamp() ?? 0;
    this.count = messages.length;
    this.messages = messages.length;
    const [only, ...others] = payloads;
    this.data = only !== undefined && others.length === 0 ? only : Buffer.concat(payloads);
    this.bounds = new Int32Array(2 * messages.length);
    let at = 0;
    for (const [index, payload] of payloads.entries()) {
      this.bounds[2 * index] = at;
      at += payload.length;
      this.bounds[2 * index + 1] = at;
    }
    this.wireBytes = this.data.length;
    this.#messages = messages;
  }

  metadata(index: number): MessageMetadata {
    const message = this.#messages[index];
    if (message === undefined) throw new RangeError(`message ${index} of an entry of ${this.count}`);
    const key = message.getPartitionKey();
    return {
      key: key === '' ? undefined : key,
      properties: { ...message.getProperties() },
      eventTime: message.getEventTimestamp(),
      sequenceId: 0,
    };
  }
}
