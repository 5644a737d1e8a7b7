/**
 * @file What an evaluation counts beside the loss: labels that are the likeliest token, against the logits themselves.
 */
import { beforeAll, expect, it } from 'vitest';
import type { TensorFlowBinding } from '../../../../src-main/engine/device/tensorflow-binding.ts';
import { makeTestFolder, writeRandomModel } from '../peft/random-model.ts';
import { openBinding } from '../support/open-binding.ts';
import { openTinyRun } from '../support/tiny-run.ts';
import { logitsOf, makeBatch, makeExample } from '../support/tiny-steps.ts';

const place = await makeTestFolder();
const { dir, model } = await writeRandomModel(place('model'));

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

function likeliest(logits: Float32Array): number {
  return logits.indexOf(Math.max(...logits));
}

it.each([
  { mode: 'eager', chunks: 1 },
  { mode: 'eager', chunks: 3 },
  { mode: 'compiled', chunks: 3 },
] as const)('$mode, in $chunks chunks', async (options) => {
  const run = await openTinyRun({ binding, dir, ...options });
  const { vocabSize } = model.facts;
  // A model of random weights hits nothing by itself: every other label is made what it holds for likely.
  const drawn = makeBatch([[makeExample(1, 19)], [makeExample(2, 12), makeExample(3, 9)]]);
  const logits = logitsOf(run, drawn);
  const best = drawn.labelPositions.map((at) => likeliest(logits.subarray(at * vocabSize, (at + 1) * vocabSize)));
  const labelIds = drawn.labelIds.map((id, index) => (index % 2 === 0 ? best[index]! : id));
  const { arrays, sizes } = run.task.arrays({ ...drawn, labelIds }, 1);
  const outputs = run.program.call('evaluate', sizes, arrays);
  expect(labelIds.length).toBeGreaterThan(20);
  expect(outputs['labels']![0]).toBe(labelIds.length);
  expect(outputs['hits']![0]).toBe(labelIds.filter((id, index) => id === best[index]).length);
  run.dispose();
});
