import { describe, expect } from 'vitest';
import { test } from '../../support/place.ts';
import { DDL, InitSubject } from '../initialise/subject.ts';

describe('a DDL that ClickHouse refuses', () => {
  test.for([
    ['a type that is none', DDL.replace('a String', 'a Strin'), /^"CREATE TABLE IF NOT …": Code: 50/],
    ['a default that cannot be read', DDL.replace('a String', "a UInt8 DEFAULT 'x'"), /Code: 6\b/],
    [
      'words that are no SQL',
      'CREATE TABEL x;',
      /^"CREATE TABEL x; …": Code: 62|^"CREATE TABEL x …": Code: 62/,
    ],
  ] as const)('is blamed, and no message: %s', async ([, ddl, message], { place }) => {
    const subject = new InitSubject(place);
    await subject.makeTopic(1);
    await expect(subject.init(ddl)).rejects.toMatchObject({
      code: 'PH_DDL_REFUSED',
      message: expect.stringMatching(message),
    });
    expect((await subject.standing()).cycle).toBeUndefined();
  });
});
