/**
 * @file A model written in 4 bits from the window, and how near it comes: only TensorFlow reads it back.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tensorFlowPath } from '../support/tensorflow.ts';
import { until } from './support/open-contract.ts';
import { openTinyHome, type TinyHome } from './support/tiny-home.ts';

let opened: TinyHome;

beforeAll(async () => {
  await tensorFlowPath();
  opened = await openTinyHome();
});
afterAll(() => opened.close());

it('writes a model in 4 bits and says how near it comes', async () => {
  const { config, browser } = opened;
  const { client } = browser;
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
