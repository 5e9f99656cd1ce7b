import { createHash } from 'node:crypto';
import { PulsehouseError } from '../pipeline/errors.ts';
import type { DeadLetterReference } from '../pipeline/intent.ts';
import { comparePositions, formatPosition, parsePosition } from '../pipeline/position.ts';
import type { BadMessage, LeaveOut } from '../ports/sink.ts';
import { ask, type ConsumeContext, whereOf } from './context.ts';

/** One line of a dead-letter object. */
export interface DeadLetter {
  readonly position: string;
  readonly index: number;
  /** Milliseconds since the epoch. */
  readonly publishTime: number;
  readonly reason: string;
  /** The payload as it came, base64. */
  readonly payload: string;
}

/**
 * Makes the list durable and answers what the intent must say of it. The key follows from the content, so that a retry
 * writes the same object and a longer list of the same batch another one; only the one an intent names counts.
 * @throws PulsehouseError PH_HALT_BAD_MESSAGE, PH_HALT_DEAD_LETTER_RATIO when the pipeline does not tolerate as many.
 */
export async function recordDeadLetters(
  context: ConsumeContext,
  batch: { readonly seq: number; readonly generation: string; readonly messages: number },
  bad: readonly BadMessage[],
): Promise<DeadLetterReference | undefined> {
  if (bad.length === 0) return undefined;
  assertTolerable(context, bad, batch.messages);
  const inOrder = [...bad].sort((a, b) => comparePositions(a.position, b.position) || a.index - b.index);
  const body = Buffer.from(`${inOrder.map((message) => JSON.stringify(toLine(message))).join('\n')}\n`);
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16);
  const { name } = context.pipeline;
  const key = `${name}/dead-letters/${context.partition}/${batch.generation}/${batch.seq}-${hash}.ndjson`;
  const created = await ask(context, (deadline) => context.objects.create(key, body, deadline));
  if (!created.created && Buffer.compare(created.existing, body) !== 0) {
    throw new PulsehouseError('PH_OBJECT_CONFLICT', `${key} holds something else`, {
      where: whereOf(context),
    });
  }
  context.log.warn(`${bad.length} messages cannot become rows and are kept as dead letters`, {
    key,
    first: formatPosition(inOrder[0]?.position ?? bad[0]?.position ?? { ledger: -1, entry: -1 }),
    reason: inOrder[0]?.reason,
  });
  return { count: bad.length, key };
}

/** How many of `messages` may be dead letters before the batch says more about the deployment than about the data. */
export function tolerated(context: ConsumeContext, messages: number): number {
  const { enabled, minimum, maxRatio } = context.pipeline.deadLetters;
  return enabled ? Math.max(minimum, Math.floor(messages * maxRatio)) : 0;
}

export function assertTolerable(context: ConsumeContext, bad: readonly BadMessage[], messages: number): void {
  const [first] = bad;
  if (!first || bad.length <= tolerated(context, messages)) return;
  const { enabled } = context.pipeline.deadLetters;
  throw new PulsehouseError(
    enabled ? 'PH_HALT_DEAD_LETTER_RATIO' : 'PH_HALT_BAD_MESSAGE',
    enabled
      ? `${bad.length} of ${messages} messages cannot become rows; the first, index ${first.index}: ${first.reason}`
      : `message ${first.index} of its entry cannot become a row: ${first.reason}`,
    { where: { ...whereOf(context), position: formatPosition(first.position) } },
  );
}

/** Whether a message is one of the named dead letters. */
export async function readDeadLetters(
  context: ConsumeContext,
  reference: DeadLetterReference | undefined,
): Promise<{ readonly letters: readonly DeadLetter[]; readonly has: LeaveOut }> {
  if (!reference) return { letters: [], has: () => false };
  const body = await ask(context, (deadline) => context.objects.read(reference.key, deadline));
  const letters = body ? parseDeadLetters(body) : [];
  if (letters.length !== reference.count) {
    throw new PulsehouseError(
      'PH_HALT_DEAD_LETTERS_LOST',
      `${reference.key} should hold ${reference.count} dead letters and holds ${letters.length}`,
      { where: whereOf(context) },
    );
  }
  const ids = new Set(letters.map((letter) => `${letter.position}:${letter.index}`));
  return { letters, has: (position, index) => ids.has(`${formatPosition(position)}:${index}`) };
}

export function parseDeadLetters(body: Uint8Array): readonly DeadLetter[] {
  const lines = Buffer.from(body).toString('utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as DeadLetter);
}

/** Back to what the sink speaks of, for adding to a list. */
export function toBadMessage(letter: DeadLetter): BadMessage {
  return {
    position: parsePosition(letter.position),
    index: letter.index,
    publishTime: letter.publishTime,
    reason: letter.reason,
    payload: Buffer.from(letter.payload, 'base64'),
  };
}

function toLine(message: BadMessage): DeadLetter {
  return {
    position: formatPosition(message.position),
    index: message.index,
    publishTime: message.publishTime,
    reason: message.reason,
    payload: Buffer.from(message.payload).toString('base64'),
  };
}
