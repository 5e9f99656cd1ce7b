import { ALL_CONDITIONS } from '../fakes/state-item.ts';
import type { Mutation } from './mutation.ts';

const ACKNOWLEDGE = 'lib/checkpoint/acknowledge.ts';
const SNAPSHOT = 'lib/checkpoint/take-checkpoint.ts';
const SETTLE = 'lib/consume/settle.ts';
const CONSUME = 'lib/consume/consume.ts';
const RESET = 'lib/replay/reset/reset.ts';
const CLAIM = 'lib/replay/restore/claim.ts';

/** Mistakes in what every batch, cycle and reset does. */
export const PROTOCOL_MUTATIONS: readonly Mutation[] = [
  {
    name: 'acknowledge before the snapshot is durable',
    within: 200,
    patches: [
      {
        file: SNAPSHOT,
        find: 'const stored = await create(context, offered);',
        replace: `for (const { topic, committed } of offered.partitions)
          if (committed.ledger >= 0)
            await context.transport.acknowledge(topic, pipeline.subscription, committed, context.deadline, () => {});
        const stored = await create(context, offered);`,
      },
    ],
  },
  {
    name: 'acknowledge what was read, not what the stored snapshot says',
    within: 2_000,
    patches: [
      {
        file: ACKNOWLEDGE,
        find: 'const { committed, topic, origin, totals } = partition;',
        replace: `const { topic, origin, totals } = partition;
        const { committed } = await context.state.readPartition(pipeline.name, partition.partition, context.deadline);`,
      },
    ],
  },
  {
    name: 'commit without the epoch',
    within: 2_000,
    // Taking a lease raises the version and writes an id as well, which alone would fence; so all go.
    conditions: { epoch: false, version: true, follows: false, takingRaisesVersion: false },
  },
  {
    name: 'commit without the version',
    within: 2_000,
    conditions: { ...ALL_CONDITIONS, version: false, follows: false },
  },
  {
    name: 'a successor cuts the batches it finds again',
    within: 1_000,
    patches: [
      {
        file: CONSUME,
        find: 'await settleFound(context);',
        replace: `const [first] = lease.state.inFlight;
        if (first) await lease.update((state) => ({ ...state, inFlight: [], seq: first.seq - 1 }));`,
      },
    ],
  },
  {
    name: 'the next attempt without a 200 to the one before',
    within: 2_000,
    patches: [
      {
        file: SETTLE,
        find: `if (sent?.outcome.kind === 'stored') {
      // Rows`,
        replace: `if (sent) {
      // Rows`,
      },
    ],
  },
  {
    name: 'a row that the server names is blamed without failing alone',
    within: 2_000,
    given: ['bad-messages'],
    patches: [
      {
        file: 'lib/consume/bad-rows/search-window.ts',
        find: 'const alone = rows.length === 1 ? failure : await probe(searched, [row]);',
        replace: 'const alone = failure;',
      },
    ],
  },
  {
    name: 'a successor begins again at attempt 1',
    within: 1_000,
    given: ['crash'],
    patches: [
      {
        file: SETTLE,
        find: 'let sent = first;',
        replace: `let sent = first;
        if (!first) await context.lease.update((state) => ({
          ...state,
          inFlight: state.inFlight.map((intent) => (intent.seq === seq ? { ...intent, attempt: 1 } : intent)),
        }));`,
      },
    ],
  },
  {
    name: 'a 200 to a second send is believed without asking',
    within: 2_000,
    patches: [
      {
        file: SETTLE,
        find: 'sent = { body, outcome, isOnly, isWhole: missing.whole };',
        replace: `sent = { body, outcome, isOnly, isWhole: missing.whole };
        if (sent.outcome.kind === 'stored') return;`,
      },
    ],
  },
  {
    name: 'asking before the kill and not after it',
    within: 4_000,
    patches: [
      {
        file: SETTLE,
        find: 'if (!trusted || body !== sent?.body) missing',
        replace: 'if (body !== sent?.body) missing',
      },
    ],
  },
  {
    name: 'KILL without waiting for notAfter',
    within: 4_000,
    patches: [{ file: SETTLE, find: 'if (left <= 0) break;', replace: 'break;' }],
  },
  {
    name: 'waiting for notAfter without KILL',
    within: 4_000,
    patches: [
      { file: SETTLE, find: 'await ask(context, (tryUntil) => sink.kill(prefix, tryUntil));', replace: '' },
    ],
  },
  {
    name: 'tokens trusted although the mapping has changed since',
    within: 4_000,
    given: ['mapping-changed', 'slow-insert', 'freeze'],
    patches: [
      { file: SETTLE, find: 'if (intent.mapping !== context.sink.mapping) return false;', replace: '' },
    ],
  },
  {
    name: 'tokens trusted on a table that remembers none',
    within: 2_000,
    patches: [
      {
        file: 'lib/pipeline/intent.ts',
        find: 'if (then.table !== now.table || now.window === 0 || then.window === 0) return false;',
        replace: 'if (now.window === 0) return true;',
      },
    ],
  },
  {
    name: 'notAfter by our own clock',
    within: 4_000,
    patches: [
      {
        file: CONSUME,
        find: 'serverClockOffset: offset.value',
        replace: 'serverClockOffset: 0',
      },
    ],
  },
  {
    name: 'the lease taken on an earlier read',
    within: 4_000,
    patches: [
      {
        file: 'lib/leases/lease.ts',
        find: 'let result = await claim(item, terms, environment);',
        replace: `const read = await item.read(terms.deadline);
        let result = await claim(item, terms, environment);
        if (result.taken && read) {
          const { epoch, version, owner, writeId, follows, leaseUntil } = result.state;
          result.state = { ...read, epoch, version, owner, writeId, follows, leaseUntil };
        }`,
      },
    ],
  },
  {
    name: 'dead letters made durable after the rest is inserted',
    within: 4_000,
    patches: [
      {
        file: 'lib/consume/dead-letters.ts',
        find: 'const created = await ask(context, (deadline) => context.objects.create(key, body, deadline));',
        replace: `const created = { created: true };
        void ask(context, (deadline) => context.objects.create(key, body, deadline)).catch(() => {});`,
      },
    ],
  },
  {
    name: 'a client or balancer that sends an insert again by itself',
    within: 4_000,
    resends: true,
  },
  {
    name: 'an insert begun before its intent stands',
    within: 500,
    patches: [
      {
        file: 'lib/consume/pump.ts',
        find: 'await this.open.commitStored((state) => intend(state, intent));',
        replace:
          'void this.open.commitStored((state) => intend(state, intent)).catch(() => undefined); await Promise.resolve();',
      },
    ],
  },
  {
    name: 'a refused state write taken for written',
    within: 2_000,
    patches: [
      {
        file: 'lib/leases/fenced-write.ts',
        find: "if (found === 'written' || found?.writeId === next.writeId) return next;",
        replace: 'if (found) return next;',
      },
    ],
  },
  {
    name: 'a receipt recorded before Pulsar gave it',
    within: 2_000,
    patches: [
      {
        file: ACKNOWLEDGE,
        find: 'const { unanswered: silent } = troubles;',
        replace: `await lease.update((cycle) => acknowledged(cycle, number));
        const { unanswered: silent } = troubles;`,
      },
    ],
  },
  {
    name: 'a cycle that woke late halts by what its successor told Pulsar',
    within: 4_000,
    given: ['late-cycles', 'broker-slow', 'double-invocations'],
    patches: [
      { file: 'lib/checkpoint/cursor-ahead.ts', find: 'await lease.update((cycle) => cycle);', replace: '' },
    ],
  },
  {
    name: 'a reset that leaves batches of the old generation in flight',
    within: 4_000,
    patches: [
      {
        file: RESET,
        find: 'if (!dropInFlight) await settleInFlight(dependencies, lease, deadline);',
        replace: '',
      },
      {
        file: RESET,
        find: 'if (!dropped) await settleInFlight(dependencies, lease, deadline);',
        replace: '',
      },
    ],
  },
  {
    name: 'a reset below what Pulsar was told to forget',
    within: 1_000,
    patches: [{ file: RESET, find: 'await assertNotTold(dependencies, found, to, deadline);', replace: '' }],
  },
  {
    name: 'a restore that claims no snapshot number',
    within: 1_000,
    patches: [
      {
        file: CLAIM,
        find: 'const stored = await createSnapshot(objects, offered, deadline);',
        replace: 'const stored = { snapshot: offered };',
      },
    ],
  },
  {
    name: 'a batch becomes dead letters however many they are',
    within: 2_000,
    given: ['dead-letters-halt'],
    patches: [
      {
        file: 'lib/consume/dead-letters.ts',
        find: 'if (!first || all <= tolerated(context, messages)) return;',
        replace: 'if (!first || messages > 0) return;',
      },
    ],
  },
];
