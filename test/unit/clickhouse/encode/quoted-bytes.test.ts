import fc from 'fast-check';
import { expect, it } from 'vitest';
import { quotedBytes } from '../../../../lib/clickhouse/encode/quoted-bytes.ts';

it('a string of any bytes in any pieces ends at its last quote and stands for the same bytes', () => {
  const bytes = fc.uint8Array({ maxLength: 20 });
  const special = fc.constantFrom("'", '\\', "\\'", "'\\").map((text) => new Uint8Array(Buffer.from(text)));
  fc.assert(
    fc.property(fc.array(fc.oneof(bytes, special)), (pieces) => {
      const text = Buffer.from(quotedBytes(pieces)).toString('latin1');
      expect(text).toMatch(/^'(?:[^'\\]|\\['\\])*'$/s);
      const said = text.slice(1, -1).replaceAll(/\\(['\\])/g, '$1');
      expect(Buffer.from(said, 'latin1')).toEqual(Buffer.concat(pieces));
    }),
  );
});
