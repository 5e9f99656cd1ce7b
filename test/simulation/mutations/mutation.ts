import type { WriteConditions } from '../fakes/state-item.ts';
import type { Fault } from '../faults.ts';

/** Replaces one piece of the protocol's source text, which must stand there exactly once. */
export interface Patch {
  /** Path from the project's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A small mistake in the protocol that the simulation must catch. */
export interface Mutation {
  /** What the protocol would be doing wrong. */
  readonly name: string;
  /** Caught by one of the seeds from 1 to this. */
  readonly within: number;
  /** What befalls every run: without it the mistake shows too seldom to wait for. */
  readonly given?: readonly Fault[];
  readonly patches?: readonly Patch[];
  /** A mistake no source text here stands for: the conditions are in DynamoDB's expressions. */
  readonly conditions?: WriteConditions;
  /** A client or balancer that sends an insert again when it got no answer. */
  readonly resends?: true;
}
