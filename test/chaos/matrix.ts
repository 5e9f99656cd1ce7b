import { FAULTS } from './faults.ts';
import { POINTS } from './points.ts';
import type { Round } from './round.ts';

/** Every fault at every point. */
export function wholeMatrix(): readonly Round[] {
  return POINTS.flatMap((point) => FAULTS.map((fault) => ({ point, fault })));
}

/** The short form: every point, every kind of fault and every server at least once, and the cells that bite most. */
export const SHORT_FORM: readonly Round[] = [
  { point: 'before-intent', fault: { on: 'function', what: 'kill' } },
  { point: 'after-intent', fault: { on: 'function', what: 'stop' } },
  { point: 'insert-sent', fault: { on: 'clickhouse', what: 'kill' } },
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
];

/** `rounds` of the matrix, all of it before any of it again, spread evenly over points and faults. */
export function chooseRounds(rounds: number): readonly Round[] {
  const matrix = wholeMatrix();
  // A step that shares no divisor with the length visits every cell once before it begins again.
  const step = coprime(matrix.length);
  return Array.from({ length: rounds }, (_, n) => matrix[(n * step) % matrix.length]).filter(
    (round) => round !== undefined,
  );
}

function coprime(length: number): number {
  let step = Math.floor(length * 0.618);
  while (divisor(step, length) !== 1) step += 1;
  return step;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
