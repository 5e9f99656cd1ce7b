import type { Message } from 'pulsar-client';
import type { Entry, MessageMetadata } from '../../ports/transport.ts';
import type { ParsedId } from './message-id.ts';

/**
 * One entry put together again from the messages that the client took it apart into. The client gives neither sequence
 * ids nor schema versions, broker indexes or bytes received, and shows a null value as an empty one.
 * @param messages all of the entry, in the order of their indexes.
 */
export function clientEntry(
  { position, firstPosition }: ParsedId,
  messages: readonly Message[],
  payloads: readonly Uint8Array[],
): Entry {
  const [only, ...others] = payloads;
  const data = only !== undefined && others.length === 0 ? only : Buffer.concat(payloads);
  return {
    position,
    firstPosition,
    publishTime: messages[0]?.getPublishTimestamp() ?? 0,
    count: messages.length,
    data,
    dataBytes: data.length,
    bounds: boundsOf(payloads),
    messages: messages.length,
    wireBytes: data.length,
    brokerIndex: undefined,
    schemaVersion: undefined,
    metadata: (index) => metadataOf(messages, index),
  };
}

function boundsOf(payloads: readonly Uint8Array[]): Int32Array {
  const bounds = new Int32Array(2 * payloads.length);
  let at = 0;
  for (const [index, payload] of payloads.entries()) {
    bounds[2 * index] = at;
    at += payload.length;
    bounds[2 * index + 1] = at;
  }
  return bounds;
}

function metadataOf(messages: readonly Message[], index: number): MessageMetadata {
  const message = messages[index];
  if (message === undefined) throw new RangeError(`message ${index} of an entry of ${messages.length}`);
  const key = message.getPartitionKey();
  return {
    key: key === '' ? undefined : key,
    properties: { ...message.getProperties() },
    eventTime: message.getEventTimestamp(),
    sequenceId: 0,
  };
}
