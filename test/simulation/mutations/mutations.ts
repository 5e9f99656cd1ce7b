import { FILTERING_MUTATIONS } from './filtering.ts';
import { LOSS_MUTATIONS } from './losses.ts';
import type { Mutation } from './mutation.ts';
import { PROTOCOL_MUTATIONS } from './protocol.ts';
import { READING_MUTATIONS } from './reading.ts';

/** Each is one line of reasoning in the design that somebody could find superfluous. */
export const MUTATIONS: readonly Mutation[] = [
  ...PROTOCOL_MUTATIONS,
  ...LOSS_MUTATIONS,
  ...READING_MUTATIONS,
  ...FILTERING_MUTATIONS,
];
