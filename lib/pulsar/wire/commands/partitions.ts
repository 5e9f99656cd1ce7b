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

/** `CommandPartitionedTopicMetadataResponse { partitions = 1 }`; 0 says that the topic is not partitioned. */
export function decodePartitionCount(body: Uint8Array): number {
  let partitions = 0;
  readFields(body, {
    1: (reader) => {
      partitions = reader.uint32();
    },
  });
  return partitions;
}
