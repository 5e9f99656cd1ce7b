import { Logger } from '@aws-lambda-powertools/logger';
import type { LogAttributes } from '@aws-lambda-powertools/logger/types';
import type { Log, LogFields } from '../ports/log.ts';

/** One JSON object a line. Level, service and sampling come from the POWERTOOLS_ variables. */
export function createLog(level?: 'DEBUG'): Log {
  return logOf(new Logger(level && { logLevel: level }));
}

function logOf(logger: Logger): Log {
  return {
    debug: (message, fields) => logger.debug(message, attributes(fields)),
    info: (message, fields) => logger.info(message, attributes(fields)),
    warn: (message, fields) => logger.warn(message, attributes(fields)),
    error: (message, fields) => logger.error(message, attributes(fields)),
    with: (fields) => logOf(logger.createChild({ persistentKeys: attributes(fields) })),
  };
}

function attributes(fields: LogFields = {}): LogAttributes {
  return { ...fields };
}
