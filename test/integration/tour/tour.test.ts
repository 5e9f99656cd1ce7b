import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { runTour } from '../../../examples/tour/tour.ts';
import { createTerminal } from '../../../lib/cli/terminal.ts';
import { test } from '../../support/place.ts';

const PATIENCE = 600_000;

describe('the tour', () => {
  test('breaks a pipeline in every way and mends it by hand, exactly', { timeout: PATIENCE }, async ({
    place,
    signal,
  }) => {
    const folder = await mkdtemp(join(tmpdir(), 'pulsehouse-tour-'));
    Object.assign(process.env, place.environment);
    const result = await runTour({
      environment: place.environment,
      folder,
      terminal: createTerminal(false),
      signal,
      messages: 10_000,
    });
    expect(result).toEqual({ exact: true, rows: 12_500 });
    await rm(folder, { recursive: true, force: true });
  });
});
