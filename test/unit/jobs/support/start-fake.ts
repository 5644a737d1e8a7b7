/** @file Starts fake jobs as core starts real ones. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startJob } from '../../../../src-main/jobs/job-client.ts';
import type { TimedEvent } from '../../../../src-main/jobs/event-log.ts';
import { parseRunConfig } from '../../../../src-shared/schema/run-config.ts';
import type { Behaviour } from './fake-recipe.ts';

export const FAKE_ENTRY = fileURLToPath(new URL('./fake-job.ts', import.meta.url));

export function makeFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'tunesmith-jobs-'));
}

export interface FakeRunOptions {
  readonly behaviour?: Behaviour;
  readonly steps?: number;
  /** Milliseconds a step. */
  readonly stepMs?: number;
  readonly saveSteps?: number;
  readonly resume?: boolean;
  readonly checkpoint?: number;
  readonly onEvent?: (event: TimedEvent) => void;
}

export function startFakeRun(runDir: string, options: FakeRunOptions = {}) {
  const { behaviour = 'well', steps = 10, stepMs = 0, saveSteps = 5, resume = false, checkpoint, onEvent } = options;
  const config = parseRunConfig({
    name: behaviour,
    model: { path: '/models/none' },
    data: { train: ['/data/none.jsonl'] },
    training: { max_steps: steps, save_minutes: stepMs, save_steps: saveSteps },
  });
  const from = checkpoint === undefined ? {} : { checkpoint };
  const request = { runDir, id: 'fake', name: 'Fake', createdAt: 1, config, resume, ...from };
  return startJob({ kind: 'train', request, bindingPath: null, entry: FAKE_ENTRY, ...(onEvent && { onEvent }) });
}
