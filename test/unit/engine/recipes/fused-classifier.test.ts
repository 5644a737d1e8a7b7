/**
 * @file A classifier's training session with an encoder (no causal mask, norms after the branches) whose steps fuse, against the same
 * session op by op: losses, gradient norms and trained tensors to 1e-6 in f32, over texts of several lengths.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { buildBatch } from '../../../../src-main/engine/data/batches.ts';
import { chooseExecution, planMemory } from '../../../../src-main/engine/recipes/choose-execution.ts';
import type { EngineHost } from '../../../../src-main/engine/recipes/contract.ts';
import type { Execution } from '../../../../src-main/engine/recipes/execution.ts';
import { openEngine } from '../../../../src-main/engine/recipes/open-engine.ts';
import { prepareRun } from '../../../../src-main/engine/recipes/prepare-run.ts';
import { openTrainingSession } from '../../../../src-main/engine/recipes/training-session.ts';
import { hyperArray } from '../../../../src-main/engine/steps/train-step.ts';
import { parseRunConfig } from '../../../../src-shared/schema/run-config.ts';
import { tensorFlowPath } from '../../../support/tensorflow.ts';
import { makeTestFolder, writeRandomModel } from '../peft/random-model.ts';
import { largestGap, largestGapOf } from '../support/tiny-steps.ts';
import { byteLevelTokenizer } from '../tokenizer/fixtures.ts';

const TOLERANCE = 1e-6;
const PLAIN_DESCENT = { optim: 'sgd', learning_rate: 0.1, per_device_train_batch_size: 4 };
const place = await makeTestFolder();

async function writeBert(dir: string): Promise<string> {
  const tokenizer = byteLevelTokenizer();
  const { vocab } = tokenizer['model'] as { vocab: Record<string, number> };
  await writeRandomModel(dir, {
    ...{ architectures: ['BertForSequenceClassification'], model_type: 'bert', hidden_act: 'gelu' },
    ...{ vocab_size: Object.keys(vocab).length, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2 },
    ...{ num_attention_heads: 4, max_position_embeddings: 64, num_labels: 3 },
  });
  await writeFile(path.join(dir, 'tokenizer.json'), JSON.stringify(tokenizer));
  const settings = { tokenizer_class: 'PreTrainedTokenizerFast', pad_token: '<pad>' };
  await writeFile(path.join(dir, 'tokenizer_config.json'), JSON.stringify(settings));
  return dir;
}

/** Texts of very different lengths. */
async function writeRows(file: string): Promise<string> {
  const rows = Array.from({ length: 12 }, (_, index) => {
    return { text: 'hello world '.repeat(1 + ((index * 5) % 7)) + index, label: `class ${index % 3}` };
  });
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

it.each([
  ['all weights', { peft_type: 'NONE' }],
  ['LoRA', { peft_type: 'LORA', lora_dropout: 0.1, init_lora_weights: false }],
])('an encoder with a head for classes trains as op by op: %s', async (title, peft) => {
  const dir = await writeBert(place(title));
  const config = parseRunConfig({
    model: { path: dir },
    ...{ task_type: 'SEQ_CLS', peft, training: PLAIN_DESCENT },
    data: { train: await writeRows(place(`${title}.jsonl`)), eval_fraction: 0, max_length: 64 },
  });
  const notices: string[] = [];
  const host: EngineHost = {
    ...{ bindingPath: await tensorFlowPath(), now: () => performance.now(), signal: new AbortController().signal },
    report: (event) => (event.event === 'notice' ? notices.push(event.code) : null),
  };
  const open = async (execution: Pick<Execution, 'mode' | 'fused'>) => {
    const run = await prepareRun({ host, config, resume: null }, null);
    const chosen = { ...chooseExecution(run, execution.mode, planMemory(run)), ...execution };
    const session = await openTrainingSession(run, await openEngine(host), chosen, host, null);
    onTestFinished(() => session.dispose());
    return { ...session, run };
  };
  const eager = await open({ mode: 'eager', fused: false });
  const fused = await open({ mode: 'compiled', fused: true });
  expect(eager.execution).toMatchObject({ mode: 'eager', fused: false });
  expect(fused.execution).toMatchObject({ mode: 'compiled', fused: true });
  expect(notices).not.toContain('engine/eager');
  const start = eager.tensors();
  const rowsOf = [[0, 1], [2], [3, 4, 5, 6]];
  for (const [index, rows] of rowsOf.entries()) {
    const [wanted, found] = [eager, fused].map(({ run, steps, program, optimizer }) => {
      const places = rows.map((row) => [row]);
      const batch = buildBatch(run.data.train, places, { ...run.task.batching, maxLength: 64 });
      const { sizes, arrays } = steps.train.arrays(batch, 1 / steps.train.countLabels(batch));
      const hyper = hyperArray(optimizer, index + 1, 0.1, 1);
      const { loss, grad_norm: norm } = program.call('train', sizes, { ...arrays, seed: Int32Array.of(index), hyper });
      return [loss![0]!, norm![0]!] as const;
    });
    expect(largestGap([found![0]], [wanted![0]])).toBeLessThan(TOLERANCE);
    expect(Math.abs(found![1] / wanted![1] - 1)).toBeLessThan(TOLERANCE * 10);
  }
  expect(largestGapOf(fused.tensors(), eager.tensors())).toBeLessThan(TOLERANCE);
  expect(largestGapOf(eager.tensors(), start)).toBeGreaterThan(1e-3);
});
