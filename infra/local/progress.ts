import { MultiBar, type SingleBar } from 'cli-progress';

/** What starting a stack tells while it goes on. */
export interface Progress {
  fetching(name: string, version: string, bytes: number, ofAbout: number): void;
  fetched(name: string, version: string): void;
  /** Another process fetches it just now. */
  waiting(name: string): void;
  starting(name: string): void;
  ready(name: string, milliseconds: number): void;
  remark(text: string): void;
  /** Call it however the start ended. */
  end(): void;
}

const MEGABYTE = 1_000_000;

/** One line an event. */
export function plainProgress(write: (line: string) => void): Progress {
  const told = new Map<string, number>();
  return {
    fetching: (name, version, bytes, ofAbout) => {
      const quarter = Math.min(3, Math.floor((4 * bytes) / ofAbout));
      if (quarter <= (told.get(name) ?? -1)) return;
      told.set(name, quarter);
      write(`${name} ${version}: fetching, ${megabytes(bytes)} of about ${megabytes(ofAbout)} MB`);
    },
    fetched: (name, version) => write(`${name} ${version}: fetched`),
    waiting: (name) => write(`${name}: another process is fetching it, waiting`),
    starting: (name) => write(`${name}: starting`),
    ready: (name, milliseconds) => write(`${name}: ready after ${(milliseconds / 1000).toFixed(1)} s`),
    remark: write,
    end: () => undefined,
  };
}

/** Bars on a terminal while something is fetched; lines for the rest. */
export function barProgress(stream: NodeJS.WriteStream): Progress {
  const bars = new MultiBar({
    stream,
    hideCursor: true,
    clearOnComplete: true,
    format: '{name} [{bar}] {value} of about {total} MB',
  });
  const bar = new Map<string, SingleBar>();
  const write = (line: string) => (bar.size > 0 ? bars.log(`${line}\n`) : void stream.write(`${line}\n`));
  const drop = (name: string) => {
    const one = bar.get(name);
    if (one) bars.remove(one);
    bar.delete(name);
    if (bar.size === 0) bars.stop();
  };
  return {
    ...plainProgress(write),
    fetching: (name, version, bytes, ofAbout) => {
      const total = megabytes(ofAbout);
      const value = Math.min(megabytes(bytes), total);
      const existing = bar.get(name);
      if (existing) existing.update(value);
      else bar.set(name, bars.create(total, value, { name: `${name} ${version}`.padEnd(36) }));
    },
    fetched: (name, version) => {
      drop(name);
      write(`${name} ${version}: fetched`);
    },
    end: () => bars.stop(),
  };
}

export const silent: Progress = plainProgress(() => undefined);

function megabytes(bytes: number): number {
  return Math.round(bytes / MEGABYTE);
}
