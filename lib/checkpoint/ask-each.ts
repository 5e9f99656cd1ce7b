import pLimit from 'p-limit';
import { isPulsarError, isPulsehouseError, PulsehouseError } from '../pipeline/errors.ts';
import type { Environment } from '../ports/environment.ts';
import { retry } from '../ports/retry.ts';

/** Requests begun at once; one that takes longer than its slot goes on beside the next one. */
const AT_ONCE = 32;
/** Milliseconds a partition keeps others waiting. */
const SLOT = 250;
const TRIES = 3;
const TRY_TIMEOUT = 4_000;

/** A partition that the topic did not answer for. */
export interface Unanswered {
  readonly partition: number;
  readonly error: PulsehouseError;
}

export interface Answers<T> {
  /** By partition. */
  readonly answers: ReadonlyMap<number, T>;
  /** In order of the partitions. */
  readonly unanswered: readonly Unanswered[];
}

/**
 * Asks something of the topic for each partition by itself: one that does not answer stops none of the others, and takes
 * no more than a moment of theirs. Begins anywhere, so that where time does not suffice for all of them it is not always
 * the same ones that are left out. Over at `until` (ms since the epoch) or little later.
 * @throws whatever `question` throws but errors of the transport (PH_PULSAR_…), which concern the partition alone.
 */
export async function askEach<Subject extends { readonly partition: number }, T>(
  environment: Environment,
  subjects: readonly Subject[],
  question: (subject: Subject) => Promise<T>,
): Promise<Answers<T>> {
  const answers = new Map<number, T>();
  const unanswered: Unanswered[] = [];
  const ask = async (subject: Subject): Promise<void> => {
    try {
      answers.set(subject.partition, await question(subject));
    } catch (error) {
      if (!isPulsarError(error)) throw error;
      unanswered.push({ partition: subject.partition, error });
    }
  };
  const limit = pLimit(AT_ONCE);
  const first = Math.floor(environment.random() * subjects.length);
  const asking: Promise<void>[] = [];
  await limit.map([...subjects.slice(first), ...subjects.slice(0, first)], async (subject) => {
    const asked = ask(subject);
    asking.push(asked);
    const over = new AbortController();
    await Promise.race([asked.finally(() => over.abort()), environment.sleep(SLOT, over.signal)]);
  });
  await Promise.all(asking);
  return { answers, unanswered: unanswered.sort((a, b) => a.partition - b.partition) };
}

/**
 * Repeats a question to one partition while its failure may pass, a few times; not begun any more after `until`
 * (ms since the epoch).
 * @throws PulsehouseError PH_PULSAR_NO_ANSWER when time was up before it could be asked; what `question` throws.
 */
export async function briefly<T>(
  environment: Environment,
  until: number,
  question: (deadline: number) => Promise<T>,
): Promise<T> {
  if (environment.now() >= until)
    throw new PulsehouseError('PH_PULSAR_NO_ANSWER', 'there was no time left to ask');
  const retryIf = (error: unknown) => isPulsehouseError(error) && error.kind !== 'terminal';
  return retry(environment, { deadline: until, tries: TRIES, tryTimeout: TRY_TIMEOUT, retryIf }, question);
}
