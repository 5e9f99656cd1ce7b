import pipelines from 'pulsehouse:pipelines';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { type Connections, connect, type PortName } from '../assembly/connections.ts';
import { systemEnvironment } from '../assembly/environment.ts';
import { createLog } from '../assembly/log.ts';
import { readSettings } from '../assembly/settings.ts';
import { isPulsehouseError, messageOf, PulsehouseError } from '../pipeline/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Environment } from '../ports/environment.ts';
import type { Log } from '../ports/log.ts';
import { withRotatedSecrets } from './rotated-secrets.ts';
import { withSecrets } from './secrets.ts';

/** Everything one invocation works with. None of it outlives the invocation: a sandbox may be frozen for hours after. */
export type Invocation<Name extends PortName> = Connections<Name> & {
  readonly pipeline: Pipeline;
  readonly environment: Environment;
  readonly log: Log;
  /** Unique for each invocation; Lambda's own request id is not, a retry has it again. */
  readonly owner: string;
  /** Milliseconds since the epoch: when Lambda ends us, less the time an answer needs. */
  readonly deadline: number;
  /** The pipeline's mapping into another table; whoever asks closes it. */
  openTarget(target: Pipeline['target']): Promise<Connections<'sink' | 'table'>>;
};

/** What a function is: what it is told, what it works with, and what it does. */
export interface FunctionPlan<Event extends { readonly pipeline: string }, Name extends PortName, Answer> {
  readonly event: z.ZodType<Event>;
  /** The ports it uses: only their adapters are loaded. */
  readonly ports: readonly Name[];
  run(invocation: Invocation<Name>, event: Event): Promise<Answer>;
}

export type Handler<Answer> = (input: unknown, context: Context) => Promise<Answer>;

/** Time for closing connections, for the metrics and for Lambda to take the answer, milliseconds. */
const ANSWER_TIME = 1_500;

/**
 * Makes a Lambda handler of a plan. Connections are open for one invocation alone. After an authentication error it runs
 * once more with secrets fetched anew.
 */
export function functionHandler<Event extends { readonly pipeline: string }, Name extends PortName, Answer>(
  plan: FunctionPlan<Event, Name, Answer>,
): Handler<Answer> {
  return async (input, context) => {
    const log = createLog().with({ requestId: context.awsRequestId });
    try {
      const event = parseEvent(plan.event, input);
      return await withRotatedSecrets(log, (freshSecrets) =>
        attempt(plan, event, context, log, freshSecrets),
      );
    } catch (error) {
      const known = isPulsehouseError(error)
        ? { code: error.code, ...error.where, next: error.nextStep }
        : {};
      log.error(messageOf(error), { ...known, error });
      throw error;
    }
  };
}

async function attempt<Event extends { readonly pipeline: string }, Name extends PortName, Answer>(
  plan: FunctionPlan<Event, Name, Answer>,
  event: Event,
  context: Context,
  parent: Log,
  freshSecrets: boolean,
): Promise<Answer> {
  const environment = systemEnvironment;
  const deadline = environment.now() + context.getRemainingTimeInMillis() - ANSWER_TIME;
  const owner = `${context.awsRequestId}/${environment.uniqueId()}`;
  const pipeline = pipelineNamed(event.pipeline);
  const log = parent.with({ pipeline: pipeline.name });
  const settings = readSettings(await withSecrets(process.env, freshSecrets));
  const around = { environment, log };
  const connections = await connect(pipeline, settings, around, plan.ports);
  const openTarget = (target: Pipeline['target']) =>
    connect({ ...pipeline, target }, settings, around, ['sink', 'table']);
  try {
    return await plan.run({ ...connections, ...around, pipeline, owner, deadline, openTarget }, event);
  } finally {
    await connections.close();
  }
}

/** @throws PulsehouseError PH_EVENT_INVALID */
function parseEvent<Event>(schema: z.ZodType<Event>, input: unknown): Event {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new PulsehouseError('PH_EVENT_INVALID', `the event cannot be read: ${z.prettifyError(parsed.error)}`);
}

/** @throws PulsehouseError PH_EVENT_INVALID */
function pipelineNamed(name: string): Pipeline {
  const pipeline = Object.hasOwn(pipelines, name) ? pipelines[name] : undefined;
  if (pipeline) return pipeline;
  const known = Object.keys(pipelines).join(', ');
  throw new PulsehouseError('PH_EVENT_INVALID', `no pipeline "${name}" was deployed; there are: ${known}`);
}
