const SEND_OBJECTS = 'send one JSON object a message';
const COMPRESS_IN_PULSAR = "send JSON and let the producer compress it (Pulsar's compression type)";

interface Kind {
  /** What the payload is and what its sender should do. */
  readonly says: string;
  readonly begins: readonly (number | undefined)[];
}

const bytes = (text: string): readonly number[] => [...Buffer.from(text, 'latin1')];

/** By the bytes that a payload begins with; undefined stands for any byte. The longer of two that fit stands first. */
const KINDS: readonly Kind[] = [
  { says: `is gzip; ${COMPRESS_IN_PULSAR}`, begins: [0x1f, 0x8b] },
  { says: `is zstd; ${COMPRESS_IN_PULSAR}`, begins: [0x28, 0xb5, 0x2f, 0xfd] },
  { says: `is an LZ4 frame; ${COMPRESS_IN_PULSAR}`, begins: [0x04, 0x22, 0x4d, 0x18] },
  { says: `is framed snappy; ${COMPRESS_IN_PULSAR}`, begins: [0xff, 0x06, 0x00, 0x00, ...bytes('sNaPpY')] },
  { says: `is zlib; ${COMPRESS_IN_PULSAR}`, begins: [0x78, 0x9c] },
  { says: `is zlib; ${COMPRESS_IN_PULSAR}`, begins: [0x78, 0xda] },
  { says: `is zlib; ${COMPRESS_IN_PULSAR}`, begins: [0x78, 0x01] },
  { says: 'begins with a UTF-8 byte order mark; write JSON without one', begins: [0xef, 0xbb, 0xbf] },
  { says: 'is UTF-16; encode the JSON as UTF-8', begins: [0xff, 0xfe] },
  { says: 'is UTF-16; encode the JSON as UTF-8', begins: [0xfe, 0xff] },
  { says: 'is UTF-16; encode the JSON as UTF-8', begins: [0x7b, 0x00] },
  { says: 'is UTF-16; encode the JSON as UTF-8', begins: [0x00, 0x7b] },
  { says: `is an Avro object container file; ${SEND_OBJECTS}`, begins: bytes('Obj\x01') },
  { says: `is a Parquet file; ${SEND_OBJECTS}`, begins: bytes('PAR1') },
  {
    says: 'begins as a Confluent schema registry message does (magic byte 0 and a schema id); set the producer to plain JSON without the registry',
    begins: [0x00, 0x00, undefined, undefined, undefined],
  },
  { says: `is XML or HTML; ${SEND_OBJECTS}`, begins: bytes('<') },
  {
    says: 'is a JSON array; one message is one row, so send each element as a message of its own',
    begins: bytes('['),
  },
  {
    says: 'is a JSON string; where it holds an object, it was encoded twice: send the object itself',
    begins: bytes('"'),
  },
];

/** So much of a payload decides whether it is text. */
const LOOKED_AT = 256;

/**
 * Says what a payload that is no JSON object is instead, with what its sender should do; or, where it is none of the
 * usual mistakes, `fault` itself.
 */
export function recognise(data: Uint8Array, start: number, end: number, fault: string): string {
  let from = start;
  while (from < end && isSpace(data[from] as number)) from++;
  if (from === end) return fault;
  if (data[from] === 0x7b && data[from + 1] !== 0x00) return withinObject(data, start, end, fault);
  const kind = KINDS.find(({ begins }) => fits(data, from, end, begins));
  if (kind) return kind.says;
  const isText = looksLikeText(data.subarray(from, Math.min(end, from + LOOKED_AT)));
  if (!isText)
    return 'is binary and no JSON (Avro and Protobuf look so); a producer with a schema must be one with the JSON schema';
  const scalar = /^(?:true|false|null|-?\d[\d.eE+-]*)\s*$/;
  const text = Buffer.from(data.subarray(from, Math.min(end, from + LOOKED_AT))).toString('utf8');
  if (scalar.test(text)) return `is a bare JSON value; ${SEND_OBJECTS}`;
  return /^[^\n]*[,;\t][^\n]*/.test(text)
    ? `is text, perhaps CSV; ${SEND_OBJECTS}`
    : `is plain text; ${SEND_OBJECTS}`;
}

/** It begins as an object, and `fault` says where it goes wrong. */
function withinObject(data: Uint8Array, start: number, end: number, fault: string): string {
  const at = start + Number(/at byte (\d+)$/.exec(fault)?.[1] ?? Number.NaN);
  if (!(at < end)) return fault;
  const rest = Buffer.from(data.subarray(at, Math.min(end, at + 16))).toString('latin1');
  if (fault.startsWith('goes on after') && /^,?\s*\{/.test(rest))
    return `holds several objects, the second at byte ${at - start}; send each as a message of its own`;
  if (/^(?:nan|-?inf)/i.test(rest))
    return `has ${/^-?[a-z]+/i.exec(rest)?.[0]}, which is no JSON, at byte ${at - start}; write null, or for a Float field "nan", "inf" in quotes`;
  if (rest.startsWith("'")) return `${fault}; write strings and keys in double quotes`;
  if (rest.startsWith('/')) return `${fault}; JSON has no comments`;
  if (
    /^[}\]]/.test(rest) &&
    /,\s*$/.test(Buffer.from(data.subarray(Math.max(start, at - 64), at)).toString('latin1'))
  )
    return `has a comma with nothing behind it before byte ${at - start}`;
  return fault;
}

function fits(data: Uint8Array, from: number, end: number, begins: Kind['begins']): boolean {
  return (
    from + begins.length <= end &&
    begins.every((byte, index) => byte === undefined || data[from + index] === byte)
  );
}

function looksLikeText(sample: Uint8Array): boolean {
  if (sample.some((byte) => byte < 0x20 && !isSpace(byte))) return false;
  const text = Buffer.from(sample).toString('utf8');
  // The sample may end within a letter.
  return !text.slice(0, -1).includes('\ufffd');
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
