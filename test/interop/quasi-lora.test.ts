/**
 * @file A trained Quasi-LoRA adapter folds exactly: its export gives PEFT, and us, the logits of the native adapter. 1e-5 of the largest
 * logit, in f32: s times B is rounded once more than s and B apart, and the two sides add in another order.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { expectCli } from './support/cli.ts';
import { REFERENCE_TIMEOUT_MS, runReference } from './support/python.ts';
import { randomTokens } from './support/random.ts';
import { largestDifference, readOnlyTensor } from './support/tensors.ts';
import { TRACE_MODEL, TRACE_VOCAB } from './support/trace.ts';
import { makeWorkFolder } from './support/work-folder.ts';

const TOLERANCE = 1e-5;
const LEAST_CHANGE = 0.1;
const TOKENS = randomTokens(9, 40, TRACE_VOCAB);
const folder = makeWorkFolder('quasi-lora');
const place = (name: string) => path.join(folder, name);
const MODEL = ['--model', place('model')];

beforeAll(async () => {
  await runReference(folder, [
    { op: 'make_model', folder: place('model'), model_type: 'llama', config: TRACE_MODEL, seed: 3 },
  ]);
  const rows = Array.from({ length: 8 }, (_, index) => ({ input_ids: randomTokens(20 + index, 24, TRACE_VOCAB) }));
  writeFileSync(place('rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const settings = [
    ...['data.format=tokens', 'data.eval_fraction=0', 'data.packing=false', 'data.completion_only_loss=false'],
    ...['peft.peft_type=QLORA', 'peft.r=4', 'peft.lora_alpha=8', 'peft.scaling_vector_lr_ratio=5'],
    ...['training.max_steps=12', 'training.learning_rate=0.01', 'training.per_device_train_batch_size=4'],
  ].flatMap((setting) => ['--set', setting]);
  await expectCli(['train', ...MODEL, '--data', place('rows.jsonl'), '--output', place('run'), ...settings]);
  const adapter = ['--adapter', place('run/adapter')];
  await expectCli(['export', ...MODEL, ...adapter, '--format', 'peft', '--output', place('exported')]);
  const [{ change_from_base: change } = {}] = await runReference(folder, [
    {
      op: 'adapter_logits',
      model: place('model'),
      folder: place('exported'),
      tokens: TOKENS,
      out: place('peft.safetensors'),
    },
  ]);
  expect(Number(change)).toBeGreaterThan(LEAST_CHANGE);
}, REFERENCE_TIMEOUT_MS);

it('in PEFT and in ours', async () => {
  const logits = async (adapter: string) => {
    const out = place(`${path.basename(adapter)}.safetensors`);
    await expectCli(['logits', ...MODEL, '--adapter', adapter, '--tokens', TOKENS.join(','), '--out', out]);
    return readOnlyTensor(out).data;
  };
  const native = await logits(place('run/adapter'));
  const largest = native.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largestDifference(await logits(place('exported')), native) / largest).toBeLessThanOrEqual(TOLERANCE);
  expect(largestDifference(readOnlyTensor(place('peft.safetensors')).data, native) / largest).toBeLessThanOrEqual(
    TOLERANCE,
  );
}, 120_000);
