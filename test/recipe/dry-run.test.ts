/**
 * @file A dry run measures what the run then takes, and leaves no trace.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseRunConfig } from '../../src-shared/schema/run-config.ts';
import { createServices, type Services } from '../../src-main/services/create-services.ts';
import { questionRows, writeTinyModel } from './support/tiny-model.ts';

let home = '';
let services: Services;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-dry-'));
  await writeTinyModel(path.join(home, 'model'));
  writeFileSync(path.join(home, 'rows.jsonl'), questionRows(120));
  services = createServices({ home });
  await services.runs.list();
});
afterAll(async () => {
  await services.close();
  rmSync(home, { recursive: true, force: true });
});

/** All but the history, which copies itself once a day. */
const listFiles = () =>
  readdirSync(home, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('history'))
    .sort();
const config = (training: object = {}) =>
  parseRunConfig({
    model: { path: path.join(home, 'model') },
    data: { train: [path.join(home, 'rows.jsonl')], max_length: 64 },
    peft: { r: 4 },
    training: { num_train_epochs: 2, per_device_train_batch_size: 2, ...training },
  });

it.each([1, 3])('measures memory and time of a run that adds up %i batches, and writes nothing', async (batches) => {
  const before = listFiles();
  const phases: string[] = [];
  const measured = await services.dryRuns.measure(config({ gradient_accumulation_steps: batches }), {
    onEvent: (event) => event.event === 'progress' && phases.push(event.phase),
  });
  expect(listFiles()).toEqual(before);
  expect(phases).toContain('Trying the longest rows');
  expect(measured.plan.eval_rows).toBeGreaterThan(0);
  expect(measured.evaluation_ms).toBeGreaterThan(0);
  const steps = measured.plan.total_steps * measured.step_ms;
  expect(measured.total_ms).toBeGreaterThan(measured.load_ms + 0.9 * steps);
  expect(measured.total_ms).toBeLessThan(measured.load_ms + 1.1 * steps + 3 * measured.evaluation_ms);

  const run = await services.runs.start({ config: config({ gradient_accumulation_steps: batches }) });
  await run.result;
  const peak = run.peakMemoryBytes() ?? 0;
  expect(measured.peak_memory_bytes / peak).toBeGreaterThan(0.8);
  expect(measured.peak_memory_bytes / peak).toBeLessThan(1.2);
  await services.runs.remove(run.id);
});

it('is refused for what the run would be refused for, and can be ended', async () => {
  const noModel = parseRunConfig({ ...config(), model: { path: path.join(home, 'none') } });
  await expect(services.dryRuns.measure(noModel)).rejects.toMatchObject({ code: 'model/not-found' });
  const ending = new AbortController();
  const measuring = services.dryRuns.measure(config(), { signal: ending.signal });
  ending.abort();
  await expect(measuring).rejects.toThrow();
});
