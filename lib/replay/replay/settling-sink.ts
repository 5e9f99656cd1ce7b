import { PulsehouseError } from '../../pipeline/errors.ts';
import { formatPosition } from '../../pipeline/position.ts';
import type { BadMessage, BatchBody, InsertOutcome, InsertSend, LeaveOut, Sink } from '../../ports/sink.ts';
import type { Entry } from '../../ports/transport.ts';
import { refuseHiddenRows } from '../comparison/hidden-rows.ts';
import type { DeadLetterIndex } from '../comparison/known-dead-letters.ts';

/**
 * A sink that never inserts a batch blindly: the first send of each token is answered "in doubt" without being sent, so
 * that the batch is settled, which asks for the rows that are there and inserts the missing ones only. Saying "in doubt"
 * is always safe: it is what a lost connection says. Messages that are dead letters already are left out and count as
 * filtered.
 */
export function settlingSink(sink: Sink, deadLetters: DeadLetterIndex): Sink {
  const asked = new Set<string>();
  return {
    table: sink.table,
    mapping: sink.mapping,
    condition: sink.condition,
    newBody: (partition, again) => new WithoutDeadLetters(sink.newBody(partition, again), deadLetters),
    async insert(send) {
      if (asked.has(send.token)) return sink.insert(unwrapped(send));
      asked.add(send.token);
      // Here every send is a second one: the pipeline has stored these rows before.
      await refuseHiddenRows(sink, send.deadline);
      return notSent(sink);
    },
    openTrial: () => sink.openTrial(),
    countRows: (range, deadline) => sink.countRows(range, deadline),
    countRowsByEntry: (range, deadline) => sink.countRowsByEntry(range, deadline),
    indexesIn: (range, deadline) => sink.indexesIn(range, deadline),
    kill: (prefix, deadline) => sink.kill(prefix, deadline),
    tokenWindow: (deadline) => sink.tokenWindow(deadline),
    hasTtl: (deadline) => sink.hasTtl(deadline),
    expiredRows: (body, deadline) => sink.expiredRows(innerOf(body), deadline),
    unmet: (body, deadline) => sink.unmet(innerOf(body), deadline),
    rowsHidden: (deadline) => sink.rowsHidden(deadline),
    // Most of what it settles was never sent by it: how the inserts of then ended is noted already.
    dependentViews: () => Promise.resolve([]),
    serverNow: (deadline) => sink.serverNow(deadline),
    close: () => sink.close(),
  };
}

function notSent(sink: Sink): InsertOutcome {
  const error = new PulsehouseError('PH_INSERT_UNANSWERED', 'a replay asks for the rows before it inserts', {
    where: { table: sink.table },
  });
  return { kind: 'in-doubt', error };
}

function unwrapped(send: InsertSend): InsertSend {
  return { ...send, body: innerOf(send.body) };
}

function innerOf(body: BatchBody): BatchBody {
  return body instanceof WithoutDeadLetters ? body.inner : body;
}

class WithoutDeadLetters implements BatchBody {
  readonly inner: BatchBody;
  private readonly deadLetters: DeadLetterIndex;
  private leftOut = 0;

  constructor(inner: BatchBody, deadLetters: DeadLetterIndex) {
    this.inner = inner;
    this.deadLetters = deadLetters;
  }

  get partition(): number {
    return this.inner.partition;
  }

  get rows(): number {
    return this.inner.rows;
  }

  get encodedBytes(): number {
    return this.inner.encodedBytes;
  }

  get filtered(): number {
    return this.inner.filtered + this.leftOut;
  }

  get bad(): readonly BadMessage[] {
    return this.inner.bad;
  }

  get badBytes(): number {
    return this.inner.badBytes;
  }

  add(entry: Entry, leaveOut?: LeaveOut): void {
    const letters = this.deadLetters.get(formatPosition(entry.position));
    if (!letters) {
      this.inner.add(entry, leaveOut);
      return;
    }
    this.leftOut += letters.size;
    this.inner.add(entry, (position, index) => letters.has(index) || (leaveOut?.(position, index) ?? false));
  }

  messageAt(row: number): Pick<BadMessage, 'position' | 'index' | 'publishTime'> {
    return this.inner.messageAt(row);
  }

  payloadAt(row: number): Uint8Array {
    return this.inner.payloadAt(row);
  }

  chunks(from?: number, to?: number): readonly Uint8Array[] {
    return this.inner.chunks(from, to);
  }
}
