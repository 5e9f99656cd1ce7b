import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { JsonBody } from '../../../lib/clickhouse/encode/json-body.ts';
import { sketchEntry } from '../clickhouse/encode/entries.ts';

const OBJECT = '{"id":1}';

function reasonOf(payload: string | Uint8Array): string | undefined {
  const body = new JsonBody(0);
  body.add(sketchEntry({ payloads: [payload] }));
  return body.bad[0]?.reason;
}

describe('a dead letter says what its payload is and what to do', () => {
  it.each<[string, Uint8Array | string, RegExp]>([
    ['gzip', gzipSync(OBJECT), /is gzip; .*compression type/],
    ['zstd', Buffer.from('28b52ffd0408', 'hex'), /is zstd; .*compression type/],
    ['an LZ4 frame', Buffer.from('04224d186040', 'hex'), /is an LZ4 frame/],
    ['zlib', Buffer.from('789cab56ca4c5100', 'hex'), /is zlib/],
    ['a UTF-8 byte order mark', `\uFEFF${OBJECT}`, /byte order mark; write JSON without/],
    ['UTF-16 with a mark', Buffer.from(`\uFEFF${OBJECT}`, 'utf16le'), /is UTF-16; encode .* UTF-8/],
    ['UTF-16 without one', Buffer.from(OBJECT, 'utf16le'), /is UTF-16; encode .* UTF-8/],
    ['UTF-16, the other end first', Buffer.from(OBJECT, 'utf16le').swap16(), /is UTF-16; encode .* UTF-8/],
    ['a top-level array', `[${OBJECT}]`, /is a JSON array; .*each element as a message/],
    ['an Avro file', 'Obj\u0001\u0004', /is an Avro object container/],
    ['a Confluent message', Buffer.from('0000000007020a', 'hex'), /Confluent .* without the registry/],
    ['Avro without a header', Buffer.from('020a0668690000c841', 'hex'), /is binary .*JSON schema/],
    ['a Parquet file', 'PAR1\u0015', /is a Parquet file/],
    ['several objects', `${OBJECT}\n${OBJECT}`, /holds several objects, the second at byte 9; send each/],
    ['several objects with commas', `${OBJECT},${OBJECT}`, /holds several objects, the second at byte 8/],
    ['XML', '<event id="1"/>', /is XML or HTML/],
    ['CSV', '1,2026-11-01,online', /is text, perhaps CSV; send one JSON object a message/],
    ['plain text', 'sensor online', /is plain text; send one JSON object a message/],
    ['a bare number', '42', /is a bare JSON value/],
    ['an object encoded twice', JSON.stringify(OBJECT), /is a JSON string; .*encoded twice/],
    ['white space alone', ' \n', /is empty/],
    ['NaN', '{"id":1,"t":NaN}', /has NaN, which is no JSON, at byte 12; write null/],
    ['-Infinity', '{"t":-Infinity}', /has -Infinity, which is no JSON, at byte 5; write null/],
    ['single quotes', "{'id':1}", /at byte 1; write strings and keys in double quotes/],
    ['a comment', '{"id":1/* one */}', /at byte 7; JSON has no comments/],
    ['a trailing comma', '{"id":1,}', /has a comma with nothing behind it before byte 8/],
    ['a broken object', '{"id":1', /ends inside the object/],
    ['an escape of another language', '{"id":"it\\\'s"}', /has an escape that is no JSON at byte 9/],
  ])('%s', (_, payload, reason) => {
    expect(reasonOf(payload)).toMatch(reason);
  });

  it('text is told from binary however a letter is cut', () => {
    for (let length = 250; length < 262; length += 1)
      expect(reasonOf(`${'x'.repeat(length)}é and more`)).toMatch(/is plain text/);
  });
});
