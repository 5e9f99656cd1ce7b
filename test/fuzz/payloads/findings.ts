import type { Body, Payload } from './bodies.ts';
import type { Difference } from './compare.ts';
import { ledgerOf } from './in-process.ts';
import type { Lane, Round } from './lane.ts';

/** Payloads that show it, after so many rounds at most. */
const MOST_ROUNDS = 60;
/** Of one round: what has one cause is mostly found many times. */
const MOST_OF_A_ROUND = 3;

export interface Finding {
  readonly body: number | undefined;
  readonly what: string;
  /** The payload it is about. */
  readonly payload: string | undefined;
  /** The fewest payloads of the body, in order, that were found to show something; undefined when the body alone does not. */
  readonly minimised: readonly string[] | undefined;
}

/** What a round found, each with as few payloads as show it. */
export async function findingsOf(lane: Lane, bodies: readonly Body[], round: Round): Promise<Finding[]> {
  const found: Difference[] = [...round.differences];
  if (round.stuck !== undefined)
    found.push({ body: undefined, at: undefined, what: `stuck: ${round.stuck}` });
  const findings: Finding[] = [];
  for (const { body, at, what } of found.slice(0, MOST_OF_A_ROUND)) {
    const suspects = body === undefined ? bodies : bodies.filter(({ number }) => number === body);
    const minimised = await minimise(lane, suspects);
    const payload = at === undefined ? undefined : payloadAt(bodies, at);
    findings.push({
      body: minimised?.body ?? body,
      what: at === undefined ? what : `message ${at} ${what}`,
      payload: payload && shown(payload),
      minimised: minimised?.payloads.map(shown),
    });
  }
  return findings;
}

function payloadAt(bodies: readonly Body[], at: string): Payload {
  const [ledger, entry, index] = at.split(':').map(Number) as [number, number, number];
  return bodies.find((body) => ledgerOf(body) === ledger)?.entries[entry]?.[index];
}

/** As a JavaScript literal of the bytes, whatever they are. */
function shown(payload: Payload): string {
  return payload === undefined ? 'null' : JSON.stringify(payload.toString('latin1'));
}

/** The first body that shows something by itself, with as few of its payloads as still do. */
async function minimise(
  lane: Lane,
  bodies: readonly Body[],
): Promise<{ readonly body: number; readonly payloads: readonly Payload[] } | undefined> {
  let rounds = 0;
  const shows = async (number: number, payloads: readonly Payload[]): Promise<boolean> => {
    if (payloads.length === 0 || rounds >= MOST_ROUNDS) return false;
    rounds += 1;
    const { differences, stuck } = await lane.round([{ number, entries: [payloads] }]);
    return differences.length > 0 || stuck !== undefined;
  };
  for (const { number, entries } of bodies) {
    let payloads = entries.flat();
    if (!(await shows(number, payloads))) continue;
    for (let size = Math.ceil(payloads.length / 2); ; size = Math.ceil(size / 2)) {
      for (let from = 0; from < payloads.length; ) {
        const fewer = payloads.toSpliced(from, size);
        if (await shows(number, fewer)) payloads = fewer;
        else from += size;
      }
      if (size === 1 || rounds >= MOST_ROUNDS) return { body: number, payloads };
    }
  }
  return undefined;
}
