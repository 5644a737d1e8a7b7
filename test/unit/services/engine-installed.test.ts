/**
 * @file The engine's status from the real runtime of this machine.
 */
import { beforeAll, expect, it } from 'vitest';
import { getEngineStatus, type InstallProgress, installEngine } from '../../../src-main/services/engine-service.ts';
import { tensorFlowPath } from '../../support/tensorflow.ts';

beforeAll(tensorFlowPath);

it('reports the runtime that is installed, with the version that the library itself names', async () => {
  const status = await getEngineStatus();
  expect(status.runtime).toMatchObject({ state: 'ready', version: '2.21.0' });
  expect(status.threads).toBeGreaterThan(0);
  expect(status.memory.availableBytes).toBeGreaterThan(0);
  expect(status.memory.availableBytes).toBeLessThanOrEqual(status.memory.totalBytes);
  expect(status.homeDisk.freeBytes).toBeGreaterThan(0);
  expect(JSON.parse(JSON.stringify(status))).toEqual(status);
});

it('keeps a runtime that works', async () => {
  const progress: InstallProgress[] = [];
  await installEngine({ onProgress: (step) => progress.push(step) });
  expect(progress).toEqual([]);
});
