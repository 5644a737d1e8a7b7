/**
 * @file A model written in 4 bits from the window, and how near it comes: only TensorFlow reads it back.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client } from '../../src-shared/contract/client.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import { writeTinyModel } from '../recipe/support/tiny-model.ts';
import { tensorFlowPath } from '../support/tensorflow.ts';
import { makeFolder } from '../unit/jobs/support/start-fake.ts';
import { type OpenBrowser, openBrowser, until } from './support/open-contract.ts';

let home = '';
let browser: OpenBrowser;
let client: Client;

beforeAll(async () => {
  await tensorFlowPath();
  home = makeFolder();
  await writeTinyModel(path.join(home, 'tiny'));
  const rows = Array.from({ length: 30 }, (_, row) => JSON.stringify({ prompt: `${row}?`, completion: `${row + 1}` }));
  writeFileSync(path.join(home, 'rows.jsonl'), `${rows.join('\n')}\n`);
  browser = await openBrowser(home, { engine: 'real' });
  client = browser.client;
});
afterAll(async () => {
  await browser.close();
  rmSync(home, { recursive: true, force: true });
});

it('writes a model in 4 bits and says how near it comes', async () => {
  const config: RunConfig = {
    name: 'Small',
    model: { path: path.join(home, 'tiny') },
    data: { train: [path.join(home, 'rows.jsonl')], max_length: 64 },
    quantization: {},
    peft: { r: 4 },
    training: { max_steps: 6 },
  };
  const { run } = await client.call('runs:start', { config });
  await until(async () => ((await client.call('runs:get', { run })).run.state === 'finished' ? true : null), 60_000);
  const { certificate, dir } = await client.follow(
    await client.call('exports:create', { run, format: 'bitsandbytes', quantization: 'nf4' }),
  );
  expect(readFileSync(path.join(dir, 'config.json'), 'utf8')).toContain('load_in_4bit');
  expect(certificate?.unchecked).toBeNull();
  expect(certificate?.behaviour).toMatchObject({ positions: expect.any(Number), score_spread: expect.any(Number) });
  expect(certificate?.behaviour?.largest_difference).toBeGreaterThan(1e-4);
}, 180_000);
