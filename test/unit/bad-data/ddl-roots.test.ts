import { expect, test } from 'vitest';
import { ddlRoots } from '../../../lib/initialise/ddl.ts';

test('the reference DDL of the package is for the reference table alone, whatever another table is called', () => {
  const roots = (database: string, table: string) =>
    ddlRoots({ target: { database, table } }, 'here', 'package');
  expect(roots('benchmark', 'sensors_local')).toEqual(['here', 'package']);
  expect(roots('production', 'sensors_local')).toEqual(['here']);
  expect(roots('benchmark', 'other')).toEqual(['here']);
});
