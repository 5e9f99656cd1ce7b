import type { Position } from '../../../pipeline/position.ts';
import type { Entry, MessageMetadata } from '../../../ports/transport.ts';
import type { RawEntry } from '../entry.ts';

/** One chunk of a message that will never be whole: an entry of one message that has a reason instead of a payload. */
export class GivenUpChunk implements Entry {
  readonly position: Position;
  readonly firstPosition: Position;
  readonly publishTime: number;
  readonly count = 1;
  readonly data: Uint8Array;
  readonly dataBytes: number;
  readonly bounds: Int32Array;
  readonly messages = 1;
  readonly wireBytes: number;
  readonly brokerIndex: number | undefined;
  readonly schemaVersion: Uint8Array | undefined;
  readonly givenUp: ReadonlyMap<number, string>;
  readonly #metadata: MessageMetadata;

  constructor({ position, metadata, frame, payloadStart, brokerIndex }: RawEntry, why: string) {
    this.position = position;
    this.firstPosition = position;
    this.publishTime = metadata.publishTime;
    this.data = frame.subarray(payloadStart);
    this.dataBytes = this.data.length;
    this.bounds = Int32Array.of(0, this.data.length);
    this.wireBytes = frame.length;
    this.brokerIndex = brokerIndex;
    this.schemaVersion = metadata.schemaVersion;
    const { chunkId, chunks, uuid } = metadata;
    const reason = `is chunk ${chunkId + 1} of ${chunks} of message ${uuid}, which was given up: ${why}`;
    this.givenUp = new Map([[0, reason]]);
    const { key, properties = {}, eventTime, sequenceId, producerName } = metadata;
    this.#metadata = { key, properties, eventTime, sequenceId, producer: producerName };
  }

  metadata(index: number): MessageMetadata {
    if (index !== 0) throw new RangeError(`message ${index} of an entry of 1`);
    return this.#metadata;
  }
}
