import { BinaryBody } from '../../../lib/clickhouse/encode/binary-body.ts';
import { ClickHouseSink } from '../../../lib/clickhouse/sink.ts';
import type { BatchBody, InsertOutcome, InsertSend } from '../../../lib/ports/sink.ts';

/** By which road payloads were sent first. */
export interface RoadCounts {
  /** As RowBinary. */
  readonly kernel: number;
  /** As JSON in a statement with RowBinary. */
  readonly unusual: number;
  /** As JSON with all of their batch. */
  readonly json: number;
}

/** Counts the rows of each batch when it is sent for the first time. */
export class CountingSink extends ClickHouseSink {
  #kernel = 0;
  #unusual = 0;
  #json = 0;
  readonly #counted = new WeakSet<BatchBody>();

  /** What was counted since this was asked last. */
  takeRoads(): RoadCounts {
    const counts = { kernel: this.#kernel, unusual: this.#unusual, json: this.#json };
    this.#kernel = this.#unusual = this.#json = 0;
    return counts;
  }

  override newBody(partition: number, again = false): BatchBody {
    const body = super.newBody(partition, again);
    if (again) this.#counted.add(body);
    return body;
  }

  override insert(send: InsertSend): Promise<InsertOutcome> {
    const { body } = send;
    if (!this.#counted.has(body)) this.#count(body);
    this.#counted.add(body);
    return super.insert(send);
  }

  #count(body: BatchBody): void {
    const binary = body instanceof BinaryBody ? body.binary() : undefined;
    this.#kernel += binary?.rows ?? 0;
    this.#unusual += binary?.unusualRows ?? 0;
    this.#json += binary === undefined ? body.rows : 0;
  }
}
