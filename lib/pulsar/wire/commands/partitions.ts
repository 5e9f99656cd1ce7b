import { malformed } from '../protobuf/byte-cursor.ts';
import { MessageWriter, readFields } from '../protobuf/fields.ts';
import { COMMAND, encodeCommand } from './command.ts';

/**
 * `CommandPartitionedTopicMetadata { topic = 1; request_id = 2; metadata_auto_creation_enabled = 6 }`
 * Without the last field set to false, asking for a topic creates it.
 */
export function encodePartitionMetadata(topic: string, requestId: number): Uint8Array {
  return encodeCommand(
    COMMAND.partitionMetadata,
    new MessageWriter().string(1, topic).uint(2, requestId).bool(6, false),
  );
}

/** Far more than any cluster serves of one topic. */
const MOST_PARTITIONS = 100_000;

/**
 * `CommandPartitionedTopicMetadataResponse { partitions = 1 }`; 0 says that the topic is not partitioned.
 * @throws PulsehouseError PH_PULSAR_MALFORMED for a number that no topic has.
 */
export function decodePartitionCount(body: Uint8Array): number {
  let partitions = 0;
  readFields(body, {
    1: (reader) => {
      partitions = reader.uint32();
    },
  });
  if (partitions > MOST_PARTITIONS) throw malformed(`a topic of ${partitions} partitions`);
  return partitions;
}
