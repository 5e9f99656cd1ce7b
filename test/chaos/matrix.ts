import { FAULTS } from './faults.ts';
import { POINTS } from './points.ts';
import type { Round } from './round.ts';

/** Every fault at every point. */
export function wholeMatrix(): readonly Round[] {
  return POINTS.flatMap((point) => FAULTS.map((fault) => ({ point, fault })));
}

/** Every point and every fault once, in as few rounds as that takes: the short form of the matrix. */
export function diagonal(): readonly Round[] {
  return FAULTS.map((fault, at) => ({ fault, point: POINTS[at % POINTS.length] ?? 'before-intent' }));
}

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
