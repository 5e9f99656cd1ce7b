import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { expect, it } from 'vitest';

const LIB = join(import.meta.dirname, '../../lib');

const CORE = ['pipeline', 'ports'];
const ADAPTERS = ['pulsar', 'clickhouse', 'dynamodb', 's3'];
const PROTOCOL = [...CORE, 'leases', 'consume', 'checkpoint', 'replay'];

/** What a line in each folder of lib may import of the others: docs/architecture.md, "Where a line belongs". */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  pipeline: [],
  ports: ['pipeline'],
  leases: CORE,
  consume: [...CORE, 'leases'],
  checkpoint: [...CORE, 'leases'],
  replay: [...CORE, 'leases', 'consume', 'checkpoint'],
  aws: [],
  configuration: ['pipeline'],
  kernel: ['pipeline'],
  pulsar: [...CORE, 'kernel'],
  clickhouse: [...CORE, 'kernel'],
  dynamodb: [...CORE, 'aws'],
  s3: [...CORE, 'aws'],
  assembly: [...CORE, ...ADAPTERS],
  initialise: [...PROTOCOL, ...ADAPTERS, 'assembly'],
  lambda: [...PROTOCOL, 'aws', 'assembly'],
  cli: [...PROTOCOL, ...ADAPTERS, 'aws', 'assembly', 'configuration', 'initialise'],
};

const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const folderOf = (path: string): string => path.split(sep)[0] ?? '';

it('every folder of lib is known', () => {
  expect([...new Set(files.map(folderOf))].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
});

it.each(Object.keys(MAY_IMPORT))('imports of %s point one way', (folder) => {
  const found = files
    .filter((file) => folderOf(file) === folder)
    .flatMap((file) => {
      const imports = readFileSync(join(LIB, file), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g);
      return [...imports].map(([, path]) => folderOf(relative(LIB, join(LIB, file, '..', path ?? ''))));
    });
  // Beyond lib lie only the files that ship beside it: infra/, package.json.
  const others = [...new Set(found)].filter((other) => other !== folder && other !== '..');
  expect(others.filter((other) => !MAY_IMPORT[folder]?.includes(other))).toEqual([]);
});
