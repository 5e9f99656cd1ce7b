import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PulsehouseError } from '../../lib/pipeline/errors.ts';
import { withLock } from './lock.ts';
import { packageRoot } from './package-root.ts';
import type { Progress } from './progress.ts';
import { runWatched } from './watched.ts';

const MANIFEST = '.manifest.json';
const LOOK_MS = 250;
const LOG_TAIL_LINES = 12;

/** One server's files at one pinned version. */
export interface ServerPackage {
  readonly name: string;
  readonly version: string;
  /** What lies in the staging folder at the end, content included: for the progress bar only. */
  readonly bytes: number;
  /** Puts what the server needs into `content`. Checks whatever it took from outside against a pinned digest. */
  fetch(fetching: Fetching): Promise<void>;
}

export interface Fetching {
  /** Holds everything on the way; removed afterwards. */
  readonly staging: string;
  readonly content: string;
  /** @throws PulsehouseError PH_STACK_FETCH with the end of the command's output. */
  run(command: string, ...args: string[]): Promise<void>;
  /** @throws PulsehouseError PH_STACK_FETCH when the file is not the pinned one. `sha512` in base64. */
  check(file: string, sha512: string): Promise<void>;
}

export function cacheFolder(): string {
  return resolve(process.env['PULSEHOUSE_CACHE'] ?? join(packageRoot, '.cache'));
}

/**
 * The folder with the package's files, fetched if they are not here whole. Fetching happens aside and ends with one
 * rename, so a folder under the final name is complete; its files are still compared with its manifest, since people
 * clean up caches.
 */
export async function ensurePackage(
  wanted: ServerPackage,
  progress: Progress,
  signal?: AbortSignal,
): Promise<string> {
  const cache = cacheFolder();
  const folder = join(cache, `${wanted.name}-${wanted.version}`);
  if (await isWhole(folder)) return folder;
  return withLock(
    `${folder}.lock`,
    async () => {
      if (await isWhole(folder)) return folder;
      await removeLeftovers(folder);
      const staging = await mkdtemp(`${folder}.staging-`);
      try {
        const content = join(staging, 'content');
        await mkdir(content);
        await fetchWithProgress(wanted, { staging, content }, progress, signal);
        await writeFile(join(content, MANIFEST), JSON.stringify(await sizesOf(content)));
        await rename(content, folder);
      } finally {
        await rm(staging, { recursive: true, force: true });
      }
      return folder;
    },
    () => progress.waiting(wanted.name),
  );
}

async function fetchWithProgress(
  wanted: ServerPackage,
  places: { staging: string; content: string },
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<void> {
  const done = new AbortController();
  const watching = (async () => {
    while (!done.signal.aborted) {
      progress.fetching(wanted.name, wanted.version, await bytesUnder(places.staging), wanted.bytes);
      await sleep(LOOK_MS, undefined, { signal: done.signal }).catch(() => undefined);
    }
  })();
  try {
    await wanted.fetch({
      ...places,
      run: (command, ...args) => run(wanted, places.staging, command, args, signal),
      check: (file, sha512) => check(wanted, file, sha512),
    });
  } finally {
    done.abort();
    await watching;
  }
  progress.fetched(wanted.name, wanted.version);
}

async function run(
  wanted: ServerPackage,
  staging: string,
  command: string,
  args: string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const log = join(staging, `${command}.log`);
  const watched = await runWatched({ command, arguments: args, folder: staging, log, grace: 2 });
  signal?.addEventListener('abort', watched.end, { once: true });
  if (signal?.aborted) watched.end();
  const code = await watched.ended;
  signal?.throwIfAborted();
  if (code === 0) return;
  const tail = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  throw new PulsehouseError(
    'PH_STACK_FETCH',
    `${wanted.name} ${wanted.version} could not be fetched: ${command} ended with ${code}.\n${tail}`,
  );
}

async function check(wanted: ServerPackage, file: string, sha512: string): Promise<void> {
  const hash = createHash('sha512');
  await pipeline(createReadStream(file), hash);
  const found = hash.digest('base64');
  if (found === sha512) return;
  throw new PulsehouseError(
    'PH_STACK_FETCH',
    `${wanted.name} ${wanted.version} is not the pinned one: its SHA-512 is ${found}, not ${sha512}.`,
  );
}

async function isWhole(folder: string): Promise<boolean> {
  try {
    const sizes = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')) as Record<string, number>;
    const same = await Promise.all(
      Object.entries(sizes).map(async ([path, size]) => (await lstat(join(folder, path))).size === size),
    );
    return same.every(Boolean);
  } catch {
    return false;
  }
}

/** A damaged folder, and what a killed fetch left beside it. Only called under the lock. */
async function removeLeftovers(folder: string): Promise<void> {
  const parent = dirname(folder);
  const names = await readdir(parent);
  const leftovers = names
    .map((name) => join(parent, name))
    .filter((path) => path.startsWith(`${folder}.staging-`));
  await Promise.all([folder, ...leftovers].map((path) => rm(path, { recursive: true, force: true })));
}

async function sizesOf(folder: string): Promise<Record<string, number>> {
  const files = await filesUnder(folder);
  return Object.fromEntries(files.map(({ path, size }) => [path.slice(folder.length + 1), size]));
}

async function bytesUnder(folder: string): Promise<number> {
  return (await filesUnder(folder)).reduce((sum, { size }) => sum + size, 0);
}

async function filesUnder(folder: string): Promise<{ path: string; size: number }[]> {
  // What vanishes while we look (a download renamed) does not count.
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const size = await lstat(path).then(
        (found) => found.size,
        () => 0,
      );
      return { path, size };
    });
  return Promise.all(files);
}
