import type { Pipeline } from '../pipeline/pipeline.ts';
import { formatPosition } from '../pipeline/position.ts';
import type { Segment } from '../replay/comparison/segments.ts';
import { describeRange, entriesToRepair, type PlannedRange, type ReplayPlan } from '../replay/replay/plan.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { bytes, count, duration } from './format.ts';
import { type Terminal, table } from './terminal.ts';

/** Exact, or not; for a plan that was not carried out as for a comparison. */
export function verdictOf(plan: ReplayPlan): ExitCode {
  return plan.missing + plan.doubled + plan.foreign === 0 ? EXIT.ok : EXIT.notExact;
}

export function showPlan(
  terminal: Terminal,
  pipeline: Pipeline,
  plan: ReplayPlan,
  { willAct }: { readonly willAct: boolean },
): void {
  const { bold, dim, yellow, green, red } = terminal.colour;
  const { mode, target } = plan.request;
  if (!willAct) terminal.answer(asJson(pipeline, plan));
  terminal.say(
    `${bold(pipeline.name)}  ${mode} ${describeRange(plan.request)}  ${dim(`${target.database}.${target.table}`)}\n`,
  );
  terminal.say(
    table(
      terminal.colour,
      ['partition', 'after', 'to', 'entries', 'messages', 'missing', 'doubled', 'foreign', 'forgotten'],
      plan.ranges.map(rangeRow),
    ),
  );
  for (const { partition, leftOut, found } of plan.ranges) {
    if (mode !== 'verify' && leftOut !== undefined) {
      terminal.say(`${yellow('left out')}  partition ${partition}: ${leftOut}`);
    }
    const { forgotten } = found;
    if (forgotten && forgotten.missing > 0) {
      terminal.say(
        `${red('lost')}      partition ${partition}: ${count(forgotten.missing)} rows up to ${formatPosition(forgotten.upTo)}, whose ${count(forgotten.messages)} messages Pulsar no longer has`,
      );
    }
  }
  const verdict = verdictOf(plan) === EXIT.ok ? green(bold('exact')) : red(bold('not exact'));
  terminal.say(
    `\n${verdict}: ${count(plan.messages)} messages in ${count(plan.entries)} entries, ${bytes(plan.bytes)}; missing ${count(plan.missing)}, doubled ${count(plan.doubled)}, foreign ${count(plan.foreign)}${rightlyGone(plan)}`,
  );
  const acting = plan.ranges.filter(({ leftOut }) => leftOut === undefined);
  if (mode === 'replace' && acting.some(({ onlyRetained }) => onlyRetained)) {
    terminal.say(
      `${yellow('careful')}  Pulsar was told to forget some of it: only the topic's retention policy keeps that between the removal of its rows and their writing`,
    );
  }
  const acts = acting.length;
  if (willAct || mode === 'verify' || acts === 0) return;
  const share =
    mode === 'repair' ? `, going through ${count(entriesToRepair(plan.ranges))} of their entries` : '';
  terminal.say(
    `${dim('dry run')}  nothing was changed; --yes would ${mode === 'into' ? 'write' : mode} ${acts} of ${plan.ranges.length} partitions${share}, about ${duration(plan.estimatedSeconds * 1000)}`,
  );
}

function rightlyGone({ expired, excluded }: ReplayPlan): string {
  return expired + excluded === 0
    ? ''
    : `; gone rightly: expired ${count(expired)}, excluded ${count(excluded)}`;
}

function rangeRow({ partition, after, to, found }: PlannedRange): string[] {
  return [
    String(partition),
    formatPosition(after),
    formatPosition(to),
    count(found.entries),
    count(found.messages),
    count(found.missing),
    count(found.doubled),
    count(found.foreign),
    count(found.forgotten?.messages ?? 0),
  ];
}

function formatSegment({ after, to }: Segment) {
  return { after: formatPosition(after), to: formatPosition(to) };
}

function asJson(pipeline: Pipeline, { request, ranges, ...sums }: ReplayPlan): unknown {
  return {
    pipeline: pipeline.name,
    mode: request.mode,
    range: describeRange(request),
    target: `${request.target.database}.${request.target.table}`,
    dryRun: true,
    exact: sums.missing + sums.doubled + sums.foreign === 0,
    entriesToRepair: request.mode === 'repair' ? entriesToRepair(ranges) : undefined,
    ...sums,
    partitions: ranges.map(({ partition, after, to, found, leftOut, onlyRetained }) => ({
      ...found,
      partition,
      after: formatPosition(after),
      to: formatPosition(to),
      upTo: formatPosition(found.upTo),
      missingIn: found.missingIn.map(formatSegment),
      spared: found.spared.map(formatSegment),
      forgotten: found.forgotten && { ...found.forgotten, upTo: formatPosition(found.forgotten.upTo) },
      leftOut,
      onlyRetained,
    })),
  };
}
