import { FAULTS, type Fault, LONG_FAULT } from './faults.ts';
import { CONSUME_POINTS, POINTS, type Point } from './points.ts';
import type { Round } from './round.ts';

/** A password that is rotated is met by the next insert: these points have one before them. */
const BEFORE_INSERTS: readonly Point[] = ['before-intent', 'after-intent', 'insert-sent'];
const LONG_FAULT_EVERY = 100;
const LONG_FAULT_AT = 50;
/** Shares no divisor with how many points a fault has, so that it comes to all of them. */
const POINTS_BETWEEN = 4;

/** So many rounds play every cell of the matrix but those of the fault that lasts long. */
export const EVERY_CELL = Math.ceil(
  (FAULTS.length * POINTS.length * LONG_FAULT_EVERY) / (LONG_FAULT_EVERY - 1),
);

/** Every fault at every point where it can be met. */
export function wholeMatrix(): readonly Round[] {
  return [...FAULTS, LONG_FAULT].flatMap((fault) => pointsOf(fault).map((point) => ({ point, fault })));
}

/** The short form: every point, every fault of one part alone and every server at least once, and the cells that bite most. */
export const SHORT_FORM: readonly Round[] = [
  { point: 'after-intent', fault: { on: 'function', what: 'stop' } },
  { point: 'insert-sent', fault: { on: 'clickhouse', what: 'down', seconds: 1 } },
  { point: 'insert-stored-unanswered', fault: { on: 'clickhouse', what: 'cut' } },
  { point: 'before-commit', fault: { on: 'dynamodb-local', what: 'kill' } },
  { point: 'after-commit', fault: { on: 'pulsar', what: 'kill' } },
  { point: 'snapshot-written', fault: { on: 'aws', what: 'stop' } },
  { point: 'before-ack', fault: { on: 'pulsar', what: 'cut' } },
  { point: 'after-ack', fault: { on: 'function', what: 'kill' } },
  { point: 'insert-sent', fault: { on: 'function', what: 'stop' } },
  { point: 'insert-sent', fault: { on: 'clickhouse', what: 'black-hole' } },
  { point: 'before-intent', fault: { on: 'dynamodb-local', what: 'black-hole' } },
  { point: 'after-intent', fault: { on: 'pulsar', what: 'half-close' } },
  { point: 'snapshot-written', fault: { on: 'aws', what: 'delay' } },
  { point: 'insert-stored-unanswered', fault: { on: 'function', what: 'kill' } },
  { point: 'after-intent', fault: { on: 'partition', what: 'refused' } },
  { point: 'insert-sent', fault: { on: 'password', what: 'rotate' } },
  { point: 'before-commit', fault: { on: 'rights', what: 'deny' } },
];

/** Every fault as often as every other, each time at another point of its; the one that lasts long once in a hundred rounds. */
export function chooseRounds(rounds: number): readonly Round[] {
  return Array.from({ length: rounds }, (_, n) => {
    const before = Math.floor(n / LONG_FAULT_EVERY);
    const within = n % LONG_FAULT_EVERY;
    if (within === LONG_FAULT_AT) return { fault: LONG_FAULT, point: atTurn(pointsOf(LONG_FAULT), before) };
    const others = n - before - (within > LONG_FAULT_AT ? 1 : 0);
    const fault = atTurn(FAULTS, others);
    const times = Math.floor(others / FAULTS.length);
    return { fault, point: atTurn(pointsOf(fault), (others % FAULTS.length) + times * POINTS_BETWEEN) };
  });
}

/** So many of them, all before any again. */
export function inTurn(cells: readonly Round[], rounds: number): readonly Round[] {
  return Array.from({ length: rounds }, (_, n) => atTurn(cells, n));
}

function pointsOf(fault: Fault): readonly Point[] {
  if (fault.on === 'password') return BEFORE_INSERTS;
  // A cycle needs no ClickHouse.
  if (fault === LONG_FAULT) return CONSUME_POINTS;
  return POINTS;
}

function atTurn<T>(all: readonly T[], turn: number): T {
  const one = all[turn % all.length];
  if (one === undefined) throw new Error('there is nothing to choose from');
  return one;
}
