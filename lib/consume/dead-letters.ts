import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { DeadLetterPart, DeadLetterReference, Intent } from '../pipeline/intent.ts';
import { comparePositions, formatPosition } from '../pipeline/position.ts';
import type { BadMessage, LeaveOut } from '../ports/sink.ts';
import { ask, type ConsumeContext, whereOf } from './context.ts';
import { type DeadLetter, formatDeadLetters, parseDeadLetters } from './dead-letter-lines.ts';

/** An intent names at most so many objects: it is part of an item of the state table. Some 30 bytes each. */
const MOST_PARTS = 500;
const OBJECTS_AT_ONCE = 8;

type NamedBatch = Pick<Intent, 'seq' | 'generation' | 'messages'>;

/**
 * Makes newly found bad messages durable as an object of their own and answers the reference that the intent must carry
 * from then on: what it named before, and the new object. None of `found` may be in `before` already. Nothing is ever
 * written twice, so that a batch may add what it found as often as it likes. The key follows from the content: a retry
 * writes the same object. Only objects that an intent or a batch's record names count.
 * @throws PulsehouseError PH_HALT_BAD_MESSAGE, PH_HALT_DEAD_LETTER_RATIO when the pipeline does not tolerate as many
 * of the batch's messages; PH_OBJECT_CONFLICT.
 */
export async function recordDeadLetters(
  context: ConsumeContext,
  batch: NamedBatch,
  before: DeadLetterReference | undefined,
  found: readonly BadMessage[],
): Promise<DeadLetterReference | undefined> {
  if (found.length === 0) return before;
  assertTolerable(context, found, batch.messages, before?.count ?? 0);
  const inOrder = [...found].sort((a, b) => comparePositions(a.position, b.position) || a.index - b.index);
  const kept = await withFewParts(context, batch, before);
  const part = await createPart(context, batch, formatDeadLetters(inOrder), found.length);
  const [first] = inOrder;
  context.log.warn(`${found.length} messages cannot become rows and are kept as dead letters`, {
    key: part.key,
    ...(first && { first: formatPosition(first.position), reason: first.reason }),
  });
  return { ...kept, count: (kept?.count ?? 0) + part.count, parts: [...(kept?.parts ?? []), part] };
}

/** A batch that was added to again and again has its lists joined into one: those are named no more. */
async function withFewParts(
  context: ConsumeContext,
  batch: NamedBatch,
  reference: DeadLetterReference | undefined,
): Promise<DeadLetterReference | undefined> {
  if (!reference || reference.parts.length < MOST_PARTS) return reference;
  const bodies = await readParts(context, reference);
  const part = await createPart(context, batch, Buffer.concat(bodies), reference.count);
  return { ...reference, parts: [part] };
}

async function createPart(
  context: ConsumeContext,
  batch: NamedBatch,
  body: Buffer,
  count: number,
): Promise<DeadLetterPart> {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
  const key = `${prefixOf(context, batch)}${hash}.ndjson`;
  const created = await ask(context, (deadline) => context.objects.create(key, body, deadline));
  if (!created.created && Buffer.compare(created.existing, body) !== 0) {
    throw new PulsehouseError('PH_OBJECT_CONFLICT', `${key} holds something else`, {
      where: whereOf(context),
    });
  }
  return { key, count };
}

function prefixOf({ pipeline, partition }: ConsumeContext, batch: Omit<NamedBatch, 'messages'>): string {
  return `${pipeline.name}/dead-letters/${partition}/${batch.generation}/${batch.seq}-`;
}

/** How many of `messages` may be dead letters before the batch says more about the deployment than about the data. */
export function tolerated(context: ConsumeContext, messages: number): number {
  const { enabled, minimum, maxRatio } = context.pipeline.deadLetters;
  return enabled ? Math.max(minimum, Math.floor(messages * maxRatio)) : 0;
}

/** `already`: dead letters that the batch has besides `bad`. */
export function assertTolerable(
  context: ConsumeContext,
  bad: readonly BadMessage[],
  messages: number,
  already = 0,
): void {
  const [first] = bad;
  const all = bad.length + already;
  if (!first || all <= tolerated(context, messages)) return;
  const { enabled } = context.pipeline.deadLetters;
  throw new PulsehouseError(
    enabled ? 'PH_HALT_DEAD_LETTER_RATIO' : 'PH_HALT_BAD_MESSAGE',
    enabled
      ? `${all} of ${messages} messages cannot become rows; the first, index ${first.index}: ${first.reason}`
      : `message ${first.index} of its entry cannot become a row: ${first.reason}`,
    { where: { ...whereOf(context), position: formatPosition(first.position) } },
  );
}

/**
 * The dead letters named so far, and whether a message is one of them.
 * @throws PulsehouseError PH_HALT_DEAD_LETTERS_LOST when a named object is gone or holds fewer.
 */
export async function readDeadLetters(
  context: ConsumeContext,
  reference: DeadLetterReference | undefined,
): Promise<{ readonly letters: readonly DeadLetter[]; readonly has: LeaveOut }> {
  if (!reference) return { letters: [], has: () => false };
  const bodies = await readParts(context, reference);
  const letters = bodies.flatMap((body) => parseDeadLetters(body));
  const ids = new Set(letters.map((letter) => `${letter.position}:${letter.index}`));
  return { letters, has: (position, index) => ids.has(`${formatPosition(position)}:${index}`) };
}

function readParts(context: ConsumeContext, { parts }: DeadLetterReference): Promise<readonly Uint8Array[]> {
  return pLimit(OBJECTS_AT_ONCE).map([...parts], async ({ key, count }) => {
    const body = await ask(context, (deadline) => context.objects.read(key, deadline));
    const lines = body ? linesIn(body) : 0;
    if (body && lines === count) return body;
    throw new PulsehouseError(
      'PH_HALT_DEAD_LETTERS_LOST',
      `${key} should hold ${count} dead letters and holds ${lines}`,
      { where: whereOf(context) },
    );
  });
}

function linesIn(body: Uint8Array): number {
  return parseDeadLetters(body).length;
}
