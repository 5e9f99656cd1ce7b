import { WIRE_TARGETS } from './wire-targets.ts';

/** Runs between two looks at the clock. */
const ROUND = 5_000;
/** The decoder holds nothing between runs: whatever grows beyond this leaks. */
const MAX_RSS = 1024 * 1024 * 1024;

/** Answers the exit code: 1 at the first finding. */
export async function fuzzWire(minutes: number): Promise<number> {
  const until = Date.now() + minutes * 60_000;
  let runs = 0;
  for (let round = 1; Date.now() < until; round++) {
    for (const { name, find } of WIRE_TARGETS) {
      const seed = Math.floor(Math.random() * 0x7fff_ffff);
      const found = find(ROUND, seed);
      runs += ROUND;
      // zlib lets go of what failed on the next turn of the event loop only.
      await new Promise((resolve) => setImmediate(resolve));
      if (found !== undefined) {
        process.stderr.write(`${name}, seed ${seed}:\n${found}\n`);
        return 1;
      }
    }
    const { rss } = process.memoryUsage();
    if (rss > MAX_RSS) {
      process.stderr.write(`${rss} bytes resident after ${runs} runs\n`);
      return 1;
    }
    process.stdout.write(`round ${round}: ${runs} runs, ${Math.round(rss / 1e6)} MB resident, no finding\n`);
  }
  return 0;
}
