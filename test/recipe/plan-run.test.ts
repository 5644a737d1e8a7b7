/**
 * @file A plan says before a run what the run then is.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../src-shared/schema/run-config.ts';
import { createServices, type Services } from '../../src-main/services/create-services.ts';
import { writeTinyModel } from './support/tiny-model.ts';

let home = '';
let services: Services;

beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), 'tunesmith-plan-'));
  await writeTinyModel(path.join(home, 'model'));
  const rows = Array.from({ length: 40 }, (_, row) =>
    JSON.stringify({ prompt: `What is ${row}?`, completion: `${row}` }),
  );
  writeFileSync(path.join(home, 'rows.jsonl'), `${rows.join('\n')}\n`);
  services = createServices({ home });
});
afterAll(async () => {
  await services.close();
  rmSync(home, { recursive: true, force: true });
});

const config = (changes: object = {}) =>
  parseRunConfig({
    model: { path: path.join(home, 'model') },
    data: { train: [path.join(home, 'rows.jsonl')], max_length: 64 },
    peft: { r: 4 },
    training: { max_steps: 3 },
    ...changes,
  });

describe('a plan', () => {
  it('says what the run then tells and stores', async () => {
    const plan = await services.data.plan(config());
    const run = await services.runs.start({ config: config() });
    await run.result;
    const { run: record } = await services.runs.show(run.id);
    expect(plan).toMatchObject({
      total_steps: record.total_steps,
      train_rows: record.train_rows,
      eval_rows: record.eval_rows,
      supervised_tokens: record.supervised_tokens,
      trainable_parameters: record.trainable_parameters,
      total_parameters: record.total_parameters,
    });
    expect({ ...plan.config, name: '' }).toEqual({ ...JSON.parse(record.config_json), name: '' });
    const { cache_bytes: copies, ...memory } = plan.memory;
    expect(copies).toBe(0);
    for (const [name, value] of Object.entries(memory)) if (name.endsWith('_bytes')) expect(value).toBeGreaterThan(0);
    expect(memory).toMatchObject({ fits: true, proposal: null, correction: 1 });
    expect(plan.report.samples.length).toBeGreaterThan(0);
  });

  it('is refused for what the run would be refused for', async () => {
    const tooLong = config({ data: { train: [path.join(home, 'rows.jsonl')], max_length: 9999 } });
    await expect(services.data.plan(tooLong)).rejects.toMatchObject({ code: 'config/invalid' });
    const noModel = config({ model: { path: path.join(home, 'none') } });
    await expect(services.data.plan(noModel)).rejects.toMatchObject({ code: 'model/not-found' });
  });
});
