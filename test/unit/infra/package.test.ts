import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lintTemplate } from '../../support/cfn-lint.ts';
import { type Packaged, packageService } from '../../support/serverless.ts';

/** Nobody listens there: whatever asked AWS anything while packaging would fail. */
const OFFLINE = { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
const FUNCTIONS = ['consume', 'checkpoint', 'replay', 'audit', 'status'];
const LARGEST_CONSUME = 600_000;
const PATIENCE = 600_000;

let first: Packaged;
let second: Packaged;

beforeAll(async () => {
  first = await packageService({}, OFFLINE);
  second = await packageService({}, OFFLINE);
}, PATIENCE);

afterAll(async () => {
  await first.remove();
  await second.remove();
});

describe('serverless package, without network or credentials', () => {
  test('makes one zip a function, twice the same to the byte', () => {
    const zips = readdirSync(first.folder).filter((name) => name.endsWith('.zip'));
    expect(zips.sort()).toEqual(FUNCTIONS.map((name) => `${name}.zip`).sort());
    for (const zip of zips) {
      expect(hashOf(join(second.folder, zip)), zip).toBe(hashOf(join(first.folder, zip)));
    }
  });

  test.each(FUNCTIONS)(
    '%s holds its own bundle, the parts of it and their source maps, nothing else',
    (name) => {
      const paths = contentOf(name).files.map(({ path }) => path);
      expect(paths).toContain(`functions/${name}.mjs`);
      const own = new RegExp(`^functions/${name}(\\.parts/[\\w-]+)?\\.mjs(\\.map)?$`);
      expect(paths.filter((path) => !own.test(path))).toEqual([]);
    },
  );

  test('consume stays small: bytes of its bundle in the zip', () => {
    const code = contentOf('consume').files.filter(({ path }) => path.endsWith('.mjs'));
    const bytes = code.reduce((sum, { compressed }) => sum + compressed, 0);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(LARGEST_CONSUME);
  });

  test('the native client, the validator of pipeline files and their YAML stay out', () => {
    const maps = contentOf('consume').readAll('.map') as readonly { readonly sources: readonly string[] }[];
    const sources = maps.flatMap((map) => map.sources);
    expect(sources.some((source) => source.includes('lib/consume/'))).toBe(true);
    const packages = sources.filter((source) =>
      /node_modules\/(pulsar-client|yaml|commander|leven)\//.test(source),
    );
    expect(packages).toEqual([]);
    expect(sources.filter((source) => source.includes('lib/configuration/'))).toEqual([]);
    expect(sources.filter((source) => /zod\/v4\/locales\/(?!en\.js|index\.js)/.test(source))).toEqual([]);
  });
});

describe('the template of a plain deployment', () => {
  test('cfn-lint finds no error', async () => {
    expect(await lintTemplate(first.templateFile)).toEqual([]);
  });

  test('a development stage needs no key, network or secret, and its table may be deleted', () => {
    const { Resources } = first.template;
    expect(Resources['StateTable']?.Properties.DeletionProtectionEnabled).toBe(false);
    for (const optional of ['PulsarTokenPolicy', 'ClickhousePasswordPolicy', 'KeyPolicy', 'NetworkPolicy']) {
      expect(Resources).not.toHaveProperty(optional);
    }
  });
});

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** What `python3 -m zipfile` finds; Node has no reader of zips, and Python is there for the local stack anyway. */
function contentOf(name: string) {
  const zip = join(first.folder, `${name}.zip`);
  const list = `import json,sys,zipfile
print(json.dumps([{'path': i.filename, 'compressed': i.compress_size} for i in zipfile.ZipFile(sys.argv[1]).infolist()]))`;
  const texts = `import json,sys,zipfile
z = zipfile.ZipFile(sys.argv[1])
print(json.dumps([json.loads(z.read(n)) for n in z.namelist() if n.endswith(sys.argv[2])]))`;
  const python = (script: string, ...words: string[]) =>
    execFileSync('python3', ['-c', script, zip, ...words], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return {
    files: JSON.parse(python(list)) as { path: string; compressed: number }[],
    /** The JSON files whose names end so. */
    readAll: (ending: string) => JSON.parse(python(texts, ending)) as unknown,
  };
}
