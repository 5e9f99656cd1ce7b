import PQueue from 'p-queue';
import { runCycle } from '../../../lib/checkpoint/cycle.ts';
import { measureHealth } from '../../../lib/checkpoint/health.ts';
import { snapshotKey } from '../../../lib/checkpoint/snapshot.ts';
import { newCycleState } from '../../../lib/pipeline/cycle-transitions.ts';
import { isAfter } from '../../../lib/pipeline/position.ts';
import { silentLog } from '../../support/events-pipeline.ts';
import type { Link } from '../link.ts';
import { Random } from '../random.ts';
import { drawScenario } from '../scenario.ts';
import { Scheduler } from '../scheduler.ts';
import { World } from '../world.ts';

export interface EnvelopeOptions {
  readonly partitions: number;
  /** Partitions that get entries in every interval. */
  readonly busy: number;
  /** Requests take so many times as long. */
  readonly slower: number;
}

/** Of a deployment: the function's time, and what is kept of it for measuring (serverless.yml, functions/checkpoint.ts). */
const CYCLE_TIME = 105_000;
const MEASURING_TIME = 15_000;
const CONSUMER_TIME = 900_000;
/** Of the adapter that starts consumers (lib/lambda/invoker.ts). */
const STARTS_AT_ONCE = 32;
const STARTS_A_SECOND = 200;
const INTERVAL = 60_000;
const ENTRIES_A_PARTITION = 10;
const IDLE_CYCLES = 2;
const BUSY_CYCLES = 3;

interface Row {
  readonly cycle: string;
  readonly seconds: number;
  readonly measuring: number;
  readonly started: number;
  /** Seconds from the entries to the last commit of them; undefined where there were none. */
  readonly storedAfter: number | undefined;
  readonly laggards: number;
  readonly state: number;
  readonly pulsar: number;
  readonly objects: number;
}

/**
 * The real cycle, consumers and measuring over many partitions, on the simulated servers without faults: a request and its
 * answer take 2 to 12 ms or `slower` times as long, a consumer up to 400 ms to start. What computing takes is not in virtual time: the last line says
 * how much this process computed in all.
 */
export async function envelope(options: EnvelopeOptions, print: (line: string) => void): Promise<number> {
  const cpu = process.cpuUsage();
  const lane = new Lane(options);
  print(
    `${options.partitions} partitions, ${options.busy} of them with entries in a busy interval; a request takes ${2 * options.slower} to ${12 * options.slower} ms`,
  );
  print('cycle      seconds  measuring  started  stored after  laggards  requests: state  Pulsar  S3');
  const rows = [await lane.interval('first', 0)];
  for (let at = 0; at < IDLE_CYCLES; at += 1) rows.push(await lane.interval('idle', 0));
  for (let at = 0; at < BUSY_CYCLES; at += 1) rows.push(await lane.interval('busy', options.busy));
  rows.push(await lane.interval('after', 0));
  for (const row of rows) print(lineOf(row));
  const { user, system } = process.cpuUsage(cpu);
  print(`newest snapshot ${lane.snapshotBytes} bytes; largest state item ${lane.largestState} bytes`);
  print(
    `${lane.rows} rows in ${lane.batches} batches; ${((user + system) / 1e6).toFixed(1)} s of CPU in all`,
  );
  return lane.world.violation === undefined && rows.every(isWithin) ? 0 : 1;
}

/** A cycle that takes longer than its function may is not one that is within the envelope. */
function isWithin({ seconds, measuring, storedAfter, cycle }: Row): boolean {
  if (cycle === 'busy' && storedAfter === undefined) return false;
  return seconds * 1_000 <= CYCLE_TIME && measuring * 1_000 <= MEASURING_TIME;
}

function lineOf(row: Row): string {
  const cells: readonly (readonly [string | number, number])[] = [
    [row.seconds.toFixed(1), 16 - row.cycle.length],
    [row.measuring.toFixed(1), 11],
    [row.started, 9],
    [row.storedAfter?.toFixed(1) ?? '-', 14],
    [row.laggards, 10],
    [row.state, 17],
    [row.pulsar, 8],
    [row.objects, 4],
  ];
  return cells.reduce((line, [text, width]) => `${line}${String(text).padStart(width)}`, row.cycle);
}

class Lane {
  readonly world: World;
  private readonly counts = new Map<Link, number>();

  constructor({ partitions, slower }: EnvelopeOptions) {
    const random = new Random(1);
    const faults = new Set<never>();
    const drawn = drawScenario(faults, random);
    const pipeline = {
      ...drawn.pipeline,
      batch: { maxRows: 200_000, maxBytes: 64 << 20, maxWait: 5_000, inFlight: 2, insertTimeout: 30_000 },
      checkpoint: {
        ...drawn.pipeline.checkpoint,
        interval: INTERVAL,
        flushTimeout: 20_000,
        snapshotsKept: 48,
      },
      consume: { mode: 'drain' as const, lease: 15_000 },
    };
    const scenario = { ...drawn, pipeline, partitions, clientSkew: 0, invocationLasts: CONSUMER_TIME };
    const scheduler = new Scheduler(random);
    this.world = new World({ scheduler, random, scenario, faults, log: silentLog, mutation: undefined });
    for (let partition = 0; partition < partitions; partition += 1) this.world.broker.addPartition(1);
    this.world.table
      .cycle(pipeline.name)
      .create(newCycleState({ pipeline: pipeline.name, generation: 'g1', partitions: 0, writeId: 'w0' }));
    for (const { link } of [this.world.table, this.world.broker, this.world.bucket, this.world.clickhouse]) {
      const travel = link.travel.bind(link);
      link.travel = () => slower * travel();
      this.count(link);
    }
  }

  /** A cycle with its measuring, and the time until the next one; with entries in so many partitions before it. */
  async interval(cycle: string, busy: number): Promise<Row> {
    const { world } = this;
    const begun = world.scheduler.now;
    const { partitions } = world.broker;
    const chosen = Array.from({ length: busy }, (_, at) => Math.floor((at * partitions.length) / busy));
    for (const partition of chosen)
      for (let entry = 0; entry < ENTRIES_A_PARTITION; entry += 1) world.publish(partition);
    let storedAfter: number | undefined;
    let open = new Set(chosen);
    world.table.onPartitionWritten = (_, after) => {
      const last = partitions[after.partition]?.last;
      if (last && !isAfter(last, after.committed) && open.delete(after.partition) && open.size === 0)
        storedAfter = (world.scheduler.now - begun) / 1_000;
    };
    this.counts.clear();
    const { result, seconds } = await this.cycle();
    const asked = new Map(this.counts);
    const measuring = await this.measure();
    await world.scheduler.run(Math.max(world.scheduler.now, begun + INTERVAL), () => false);
    open = new Set();
    const count = ({ link }: { readonly link: Link }) => asked.get(link) ?? 0;
    return {
      ...{ cycle, seconds, measuring, storedAfter },
      started: result.invoked.length,
      laggards: result.laggards.length,
      state: count(world.table),
      pulsar: count(world.broker),
      objects: count(world.bucket),
    };
  }

  get snapshotBytes(): number {
    const { name } = this.world.pipeline;
    const latest = this.world.table.cycle(name).value?.latest ?? 0;
    return this.world.bucket.objects.get(snapshotKey(name, latest))?.byteLength ?? 0;
  }

  get largestState(): number {
    const states = this.world.table.partitions(this.world.pipeline.name);
    return states.reduce((most, state) => Math.max(most, JSON.stringify(state).length), 0);
  }

  get rows(): number {
    return this.world.clickhouse.rows.length;
  }

  get batches(): number {
    return this.world.table.batches(this.world.pipeline.name).length;
  }

  private async cycle() {
    const { world } = this;
    const invocation = world.newInvocation('cycle', false);
    const starts = new PQueue({ concurrency: STARTS_AT_ONCE });
    let next = 0;
    const start = async (partition: number) => {
      const wait = next - world.scheduler.now;
      next = Math.max(next, world.scheduler.now) + 1_000 / STARTS_A_SECOND;
      if (wait > 0) await invocation.environment.sleep(wait);
      await invocation.environment.sleep(2 * world.table.link.travel());
      world.scheduler.after(world.random.between(1, 400), `consumer ${partition} starts`, () =>
        world.startConsumer(partition),
      );
    };
    const invoker = {
      invoke: (_: string, partition: number) => starts.add(() => start(partition)),
    };
    const begun = world.scheduler.now;
    const request = { owner: invocation.name, deadline: invocation.now() + CYCLE_TIME };
    const result = await this.driven(runCycle({ ...world.ports(invocation), invoker }, request));
    return { result, seconds: (world.scheduler.now - begun) / 1_000 };
  }

  private async measure(): Promise<number> {
    const { world } = this;
    const invocation = world.newInvocation('measuring', false);
    const begun = world.scheduler.now;
    await this.driven(measureHealth(world.ports(invocation), invocation.now() + MEASURING_TIME));
    return (world.scheduler.now - begun) / 1_000;
  }

  private async driven<T>(asking: Promise<T>): Promise<T> {
    let over = false;
    const settled = asking.finally(() => {
      over = true;
    });
    await this.world.scheduler.run(Number.POSITIVE_INFINITY, () => over);
    return settled;
  }

  private count(link: Link): void {
    const carry = link.carry.bind(link) as Link['carry'];
    link.carry = (sender, label, serve, answer) => {
      this.counts.set(link, (this.counts.get(link) ?? 0) + 1);
      carry(sender, label, serve, answer);
    };
  }
}
