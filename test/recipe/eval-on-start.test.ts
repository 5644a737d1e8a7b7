/**
 * @file A check before the first step: it tells how the model was, and changes nothing of the run.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig } from '../../src-shared/schema/run-config.ts';
import type { RunEvent } from '../../src-shared/domain/run-events.ts';
import { createServices, type Services } from '../../src-main/services/create-services.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

let home = '';
let services: Services;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-start-'));
  await writeTinyModel(path.join(home, 'model'));
  writeFileSync(path.join(home, 'rows.jsonl'), questionRows(60));
  writeFileSync(path.join(home, 'held-out.jsonl'), questionRows(12));
  services = createServices({ home });
  await services.runs.list();
});
afterAll(async () => {
  await services.close();
  rmSync(home, { recursive: true, force: true });
});

async function train(training: object): Promise<{ id: string; events: RunEvent[] }> {
  const events: RunEvent[] = [];
  const run = await services.runs.start({
    config: parseRunConfig({
      model: { path: path.join(home, 'model') },
      data: {
        train: [path.join(home, 'rows.jsonl')],
        eval: [path.join(home, 'held-out.jsonl')],
        max_length: 64,
      },
      peft: { r: 4 },
      training: { max_steps: 8, per_device_train_batch_size: 2, learning_rate: 0.01, ...training },
    }),
    onEvent: (event) => events.push(event),
  });
  await run.result;
  return { id: run.id, events };
}

it('measures and asks the model as it was, and is no candidate for the best', { timeout: 240_000 }, async () => {
  const { id, events } = await train({ eval_on_start: true, eval_steps: 4 });
  const evaluations = events.filter((event) => event.event === 'eval');
  expect(evaluations.map(({ step }) => step)).toEqual([0, 4, 8]);
  expect(evaluations[0]!.best).toBe(false);
  expect(evaluations[1]!.best).toBe(true);
  const samples = events.filter((event) => event.event === 'sample');
  expect(new Set(samples.map(({ step }) => step))).toEqual(new Set([0, 4, 8]));
  const { run } = await services.library.details(id);
  expect(run.best_step).toBeGreaterThan(0);
  expect(run.predicted_memory_bytes).toBeGreaterThan(1e6);

  const base = await services.inference.evaluate({
    modelDir: path.join(home, 'model'),
    adapterDir: null,
    data: {
      paths: [path.join(home, 'held-out.jsonl')],
      format: 'auto',
      columns: {},
      template: null,
      max_length: 64,
      completion_only_loss: true,
    },
    metrics: [],
    batchSize: null,
    maxNewTokens: 1,
  });
  expect(Math.abs(base.eval_loss - evaluations[0]!.eval_loss)).toBeLessThan(1e-5);
});

it('leaves the steps as they are without it', { timeout: 240_000 }, async () => {
  const lossesOf = (events: readonly RunEvent[]) =>
    events.flatMap((event) => (event.event === 'step' ? event.loss : []));
  const [plain, started] = [await train({ eval_steps: 4 }), await train({ eval_on_start: true, eval_steps: 4 })];
  expect(plain.events.filter(({ event }) => event === 'eval')).toHaveLength(2);
  expect(lossesOf(started.events)).toEqual(lossesOf(plain.events));
});
