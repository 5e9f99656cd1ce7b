import { PulsehouseError } from '../pipeline/errors.ts';
import type { Unanswered } from './ask-each.ts';

const NAMED = 20;

/**
 * What a cycle met and went on beyond: collected while it does all it can, thrown at its end. A cycle that left something
 * out is no success.
 */
export class Troubles {
  private readonly partitions = new Map<number, PulsehouseError>();
  private readonly others: PulsehouseError[] = [];

  add(error: PulsehouseError): void {
    this.others.push(error);
  }

  addAll(unanswered: readonly Unanswered[]): void {
    for (const { partition, error } of unanswered)
      if (!this.partitions.has(partition)) this.partitions.set(partition, error);
  }

  /** Partitions that something is wrong with, ascending. */
  get unanswered(): ReadonlySet<number> {
    return new Set([...this.partitions.keys()].sort((a, b) => a - b));
  }

  /**
   * Of several errors the first terminal one, which somebody has to act on, with all partitions that are concerned.
   * @throws PulsehouseError
   */
  throwIfAny(pipeline: string): void {
    const errors = [...this.others, ...this.partitions.values()];
    const error = errors.find(({ kind }) => kind === 'terminal') ?? errors[0];
    if (error === undefined) return;
    const concerned = [...this.unanswered];
    const more = concerned.length > NAMED ? ` and ${concerned.length - NAMED} more` : '';
    const partitions =
      concerned.length === 0
        ? ''
        : `; not answered for: partitions ${concerned.slice(0, NAMED).join(', ')}${more}`;
    const partition = [...this.partitions].find(([, one]) => one === error)?.[0];
    throw new PulsehouseError(error.code, `${error.message}${partitions}`, {
      where: { pipeline, partition, ...error.where },
      nextStep: error.nextStep,
      cause: error,
    });
  }
}
