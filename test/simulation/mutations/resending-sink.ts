import type { InsertOutcome, InsertSend, Sink } from '../../../lib/ports/sink.ts';

/** What a client or a balancer with retries makes of a sink: an insert without an answer is sent a second time. */
export function resendingSink(sink: Sink): Sink {
  return new Proxy(sink, {
    get(target, name) {
      if (name === 'insert') return (send: InsertSend) => insertTwice(target, send);
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

async function insertTwice(sink: Sink, send: InsertSend): Promise<InsertOutcome> {
  const first = await sink.insert(send);
  return first.kind === 'in-doubt' ? sink.insert({ ...send, queryId: `${send.queryId}-again` }) : first;
}
