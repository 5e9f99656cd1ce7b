import * as z from 'zod';

const PART = '[-\\w=:.]+';
const FULL = new RegExp(`^persistent://${PART}/${PART}/[^/\\s]+$`);
const wanted = 'write persistent://tenant/namespace/name';

/** A persistent topic in full, `tenant/namespace/name`, or a name alone in public/default, as Pulsar's own tools take it. */
export const topic = z
  .string({ error: `is not a topic; ${wanted}` })
  .meta({ examples: ['persistent://public/default/iot-sensor-data'] })
  .transform((text, context) => {
    const full = text.includes('://')
      ? text
      : text.includes('/')
        ? `persistent://${text}`
        : `persistent://public/default/${text}`;
    if (FULL.test(full)) return full;
    const problem = text.startsWith('non-persistent://')
      ? 'keeps nothing, so nothing of it can be read again'
      : 'is not a topic';
    context.addIssue({ code: 'custom', message: `${problem}; ${wanted}` });
    return z.NEVER;
  });
