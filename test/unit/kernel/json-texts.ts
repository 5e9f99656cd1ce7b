import fc from 'fast-check';

/** JSON objects, laid out in several ways. */
export const objects = fc
  .tuple(
    fc.dictionary(fc.string(), fc.jsonValue()),
    fc.constantFrom(undefined, 1, '\t'),
    fc.constantFrom('', ' ', '\r\n'),
  )
  .map(([value, indent, space]) => Buffer.from(`${space}${JSON.stringify(value, null, indent)}${space}`));

/** Made of what JSON is made of, in any order: nearly JSON now and then. */
const fragments = fc
  .array(
    fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '""',
        '"a"',
        '"a":',
        '{"a":',
        '{}',
        '[]',
        ' ',
        '\n',
        '\t',
        '\u0001',
      ],
      ...['0', '1', '-', '12345678', '123456789012345678', '.5', '1.', 'e', 'E+1', '-0', '01', '1e5', '0.0'],
      ...[
        'true',
        'false',
        'null',
        'tru',
        'nulls',
        '\\',
        '\\"',
        '\\u',
        '\\u12',
        '"\\u00e9"',
        '"\\ud800"',
        '"\\n"',
      ],
      ...['"+1"', '"-"', '"7"', '".e"', '"E"', 'é', '\u2028', '/*', "'", '"0123456789abcdef0123456789"'],
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.from(parts.join('')));

const changed = fc
  .tuple(objects, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }), fc.nat(3))
  .map(([text, changes, cut]) => {
    const bytes = Buffer.from(text);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return bytes.subarray(0, Math.max(0, bytes.length - cut));
  });

const inObject = fragments.map((bytes) => Buffer.concat([Buffer.from('{"a":'), bytes, Buffer.from('}')]));

export const payloads = fc.oneof(objects, changed, fragments, inObject);
