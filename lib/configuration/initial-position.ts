import * as z from 'zod';
import type { InitialPosition } from '../pipeline/pipeline.ts';

const wanted = 'write earliest, latest, or a time with its zone such as 2026-11-01T00:00:00Z';

/** `earliest`, `latest`, or a publish time in ISO 8601. */
export const initialPosition = z
  .string({ error: `is not a place to start; ${wanted}` })
  .meta({ examples: ['earliest', 'latest', '2026-11-01T00:00:00Z'] })
  .transform((text, context): InitialPosition => {
    if (text === 'earliest' || text === 'latest') return { at: text };
    const time = z.iso.datetime({ offset: true }).safeParse(text);
    if (time.success) return { at: 'time', publishTime: Date.parse(time.data) };
    context.addIssue({ code: 'custom', message: `is not a place to start; ${wanted}` });
    return z.NEVER;
  });
