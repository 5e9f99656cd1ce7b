import { MessageWriter, readFields } from '../protobuf/fields.ts';
import { COMMAND, encodeCommand } from './command.ts';

/** Kinds of `Schema.Type` that an encoder of this project can have use for, by number; others are kept as `other`. */
const SCHEMA_TYPES: Readonly<Record<number, SchemaType>> = {
  0: 'bytes',
  1: 'string',
  2: 'json',
  3: 'protobuf',
  4: 'avro',
  20: 'protobuf-native',
};

export type SchemaType = 'bytes' | 'string' | 'json' | 'protobuf' | 'avro' | 'protobuf-native' | 'other';

export interface TopicSchema {
  readonly type: SchemaType;
  readonly name: string;
  /** The definition: an Avro schema in JSON for `json` and `avro`, empty for `string` and `bytes`. */
  readonly definition: Uint8Array;
  readonly properties: Readonly<Record<string, string>>;
}

/** `Schema { name = 1; schema_data = 3; type = 4; properties = 5 }` */
export function writeSchema(schema: TopicSchema): MessageWriter {
  const type = Object.entries(SCHEMA_TYPES).find(([, name]) => name === schema.type)?.[0];
  return new MessageWriter()
    .string(1, schema.name)
    .bytes(3, schema.definition)
    .uint(4, Number(type ?? 0))
    .properties(5, schema.properties);
}

function readSchema(bytes: Uint8Array): TopicSchema {
  let type: SchemaType = 'bytes';
  let name = '';
  let definition: Uint8Array = new Uint8Array(0);
  const properties: Record<string, string> = {};
  readFields(bytes, {
    1: (reader) => {
      name = reader.string();
    },
    3: (reader) => {
      definition = reader.bytes();
    },
    4: (reader) => {
      type = SCHEMA_TYPES[reader.int32()] ?? 'other';
    },
    5: (reader) => {
      const [key, value] = readKeyValue(reader.bytes());
      properties[key] = value;
    },
  });
  return { type, name, definition, properties };
}

function readKeyValue(bytes: Uint8Array): [string, string] {
  let key = '';
  let value = '';
  readFields(bytes, {
    1: (reader) => {
      key = reader.string();
    },
    2: (reader) => {
      value = reader.string();
    },
  });
  return [key, value];
}

/** `CommandGetSchema { request_id = 1; topic = 2; schema_version = 3 }`; without a version, the newest. */
export function encodeGetSchema(
  topic: string,
  schemaVersion: Uint8Array | undefined,
  requestId: number,
): Uint8Array {
  return encodeCommand(
    COMMAND.getSchema,
    new MessageWriter().uint(1, requestId).string(2, topic).bytes(3, schemaVersion),
  );
}

/** `CommandGetSchemaResponse { schema = 4 }` */
export function decodeGetSchemaResponse(body: Uint8Array): TopicSchema | undefined {
  let schema: TopicSchema | undefined;
  readFields(body, {
    4: (reader) => {
      schema = readSchema(reader.bytes());
    },
  });
  return schema;
}
