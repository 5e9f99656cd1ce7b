import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ensurePackage, type Fetching, type ServerPackage } from '../../../infra/local/cache.ts';
import { silent } from '../../../infra/local/progress.ts';

const CONTENT = 'what a server needs';
const SHA512 = 'tg71B0FcjFrsw1M4oQyZtEFaYZt7DMBT5WO/6Ni17pygowEhnKojXg0CYv+skvcSGJT6gSb60pIz5yxGDF7KEQ==';

let cache: string;
let fetches: number;

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'pulsehouse-cache-'));
  vi.stubEnv('PULSEHOUSE_CACHE', cache);
  fetches = 0;
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(cache, { recursive: true });
});

function packageThat(fetch: (fetching: Fetching) => Promise<void>): ServerPackage {
  return {
    name: 'thing',
    version: '1.2.3',
    bytes: 100,
    fetch: async (fetching) => {
      fetches += 1;
      await fetch(fetching);
    },
  };
}

const good = packageThat(async ({ staging, content, run, check }) => {
  await writeFile(join(staging, 'download'), CONTENT);
  await check(join(staging, 'download'), SHA512);
  await run('cp', join(staging, 'download'), join(content, 'server'));
});

test('two at once fetch once', async () => {
  const folders = await Promise.all([ensurePackage(good, silent), ensurePackage(good, silent)]);
  expect(fetches).toBe(1);
  expect(new Set(folders).size).toBe(1);
  expect(await readFile(join(folders[0], 'server'), 'utf8')).toBe(CONTENT);
});

test('a second time nothing is fetched', async () => {
  await ensurePackage(good, silent);
  await ensurePackage(good, silent);
  expect(fetches).toBe(1);
});

test.each([
  ['cut short', (path: string) => truncate(path, 3)],
  ['removed', (path: string) => rm(path)],
])('a file that was %s is fetched again', async (_, damage) => {
  const folder = await ensurePackage(good, silent);
  await damage(join(folder, 'server'));
  await ensurePackage(good, silent);
  expect(fetches).toBe(2);
  expect(await readFile(join(folder, 'server'), 'utf8')).toBe(CONTENT);
});

test('what a killed fetch left behind is no package, and is cleared away by the next', async () => {
  const leftover = join(cache, 'thing-1.2.3.staging-AbCdEf');
  await mkdir(join(leftover, 'content'), { recursive: true });
  await writeFile(join(leftover, 'content', 'server'), 'half of i');
  await ensurePackage(good, silent);
  expect(fetches).toBe(1);
  expect(existsSync(leftover)).toBe(false);
});

test('something else under the same name is refused and leaves nothing', async () => {
  const other = packageThat(async ({ staging, check }) => {
    await writeFile(join(staging, 'download'), 'something else');
    await check(join(staging, 'download'), SHA512);
  });
  await expect(ensurePackage(other, silent)).rejects.toMatchObject({ code: 'PH_STACK_FETCH' });
  expect(await readdir(cache)).toEqual(['thing-1.2.3.lock']);
});

test('a failing command is named with what it said', async () => {
  const failing = packageThat(({ run }) => run('sh', '-c', 'echo no route to the registry; exit 3'));
  await expect(ensurePackage(failing, silent)).rejects.toMatchObject({
    code: 'PH_STACK_FETCH',
    message: expect.stringMatching(/sh ended with 3\.\nno route to the registry/),
  });
});

test('an interrupt ends the fetch and leaves nothing', async () => {
  const interrupt = new AbortController();
  const endless = packageThat(async ({ run }) => {
    setTimeout(() => interrupt.abort(new Error('interrupted')), 100);
    await run('sleep', '1000');
  });
  await expect(ensurePackage(endless, silent, interrupt.signal)).rejects.toThrow('interrupted');
  expect(await readdir(cache)).toEqual(['thing-1.2.3.lock']);
});
