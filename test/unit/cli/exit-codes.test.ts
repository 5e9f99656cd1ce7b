import { describe, expect, test } from 'vitest';
import { EXIT, exitCodeOf, worstOf } from '../../../lib/cli/exit-codes.ts';
import { PulsehouseError } from '../../../lib/pipeline/errors.ts';

describe('exit codes', () => {
  test.each([
    ['PH_CONFIG_INVALID', EXIT.usage],
    ['PH_SETTINGS_INVALID', EXIT.usage],
    ['PH_RANGE_INVALID', EXIT.usage],
    ['PH_HALTED', EXIT.halted],
    ['PH_STATE_MISSING', EXIT.failed],
  ] as const)('%s ends with %i', (code, exit) => {
    expect(exitCodeOf(new PulsehouseError(code, 'because'))).toBe(exit);
  });

  test('a defect is a failure', () => {
    expect(exitCodeOf(new TypeError('oh'))).toBe(EXIT.failed);
  });

  test('of several the most serious counts', () => {
    expect(worstOf([])).toBe(EXIT.ok);
    expect(worstOf([EXIT.ok, EXIT.notExact])).toBe(EXIT.notExact);
    expect(worstOf([EXIT.notExact, EXIT.halted])).toBe(EXIT.halted);
    expect(worstOf([EXIT.halted, EXIT.failed, EXIT.ok])).toBe(EXIT.failed);
    expect(worstOf([EXIT.interrupted, EXIT.notExact])).toBe(EXIT.interrupted);
  });
});
