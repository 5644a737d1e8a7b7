/**
 * @file Nothing piles up: 1,000 compiled and 200 eager training steps, evaluation and writing between them, over changing shapes. The
 * number of device values stays what it was after warm-up, and the process's memory grows by less than 5 %.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, it } from 'vitest';
import type { TensorFlowBinding } from '../../src-main/engine/device/tensorflow-binding.ts';
import { decode } from '../../src-main/engine/recipes/decode.ts';
import { makeTestFolder, writeRandomModel } from '../unit/engine/peft/random-model.ts';
import { openBinding } from '../unit/engine/support/open-binding.ts';
import { openTinyRun, type TinyRun } from '../unit/engine/support/tiny-run.ts';
import { evaluate, randomBatch, trainStep } from '../unit/engine/support/tiny-steps.ts';

const MOST_GROWTH = 1.05;

const place = await makeTestFolder();
// Large enough that a step whose activations stayed would show: some 0.5 MB.
const { dir } = await writeRandomModel(place('model'), { hidden_size: 64, intermediate_size: 128, vocab_size: 200 });

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let binding: TensorFlowBinding;
beforeAll(async () => (binding = await openBinding()));

const BATCHES = [randomBatch(1, [24, 20]), randomBatch(2, [31]), randomBatch(3, [10, 12, 9]), randomBatch(4, [16])];

function residentBytes(): number {
  collectGarbage();
  return process.memoryUsage.rss();
}

async function runSteps(run: TinyRun, from: number, count: number): Promise<void> {
  for (let step = from; step < from + count; step += 1) {
    trainStep(run, [BATCHES[step % BATCHES.length]!], { step });
    if (step % 50 !== 0) continue;
    evaluate(run, BATCHES[0]!);
    const { program, model } = run;
    await decode({
      ...{ program, model, prompts: [[1, 2, 3], [4]], maxNewTokens: 5, padTokenId: 0 },
      choose: (_logits, row) => row + 5,
      isEnd: () => false,
    });
  }
}

describe.each([
  { mode: 'compiled', warmUp: 200, steps: 1000 },
  { mode: 'eager', warmUp: 100, steps: 200 },
] as const)('$steps $mode steps', ({ mode, warmUp, steps }) => {
  it('leave as many device values and as much memory as there were', async () => {
    const before = binding.getNumOfTensors();
    const run = await openTinyRun({ binding, dir, mode, peft: { lora_dropout: 0.1 } });
    await runSteps(run, 1, warmUp);
    const [alive, resident] = [binding.getNumOfTensors(), residentBytes()];
    const counts = new Set<number>();
    for (let done = 0; done < steps; done += 50) {
      await runSteps(run, 1 + warmUp + done, 50);
      counts.add(binding.getNumOfTensors());
    }
    expect([...counts]).toEqual([alive]);
    expect(residentBytes() / resident).toBeLessThan(MOST_GROWTH);
    run.dispose();
    expect(binding.getNumOfTensors()).toBe(before);
  });
});

describe('eager steps', () => {
  it('keep nothing of a shape that never comes again', async () => {
    const run = await openTinyRun({ binding, dir, mode: 'eager', peft: { lora_dropout: 0.1 } });
    const counts = new Set<number>();
    for (let step = 1; step <= 12; step += 1) {
      const lengths = Array.from({ length: 1 + (step % 3) }, (_, row) => 4 + 2 * step - row);
      trainStep(run, [randomBatch(step, lengths)], { step });
      if (step > 3) counts.add(binding.getNumOfTensors());
    }
    expect(counts.size).toBe(1);
    run.dispose();
  });
});

describe('compiled programs', () => {
  it('give back their graph and their variables', async () => {
    const openAndClose = async (times: number): Promise<void> => {
      for (let index = 0; index < times; index += 1) {
        const run = await openTinyRun({ binding, dir, mode: 'compiled' });
        trainStep(run, [BATCHES[0]!]);
        run.dispose();
      }
    };
    await openAndClose(3);
    const [alive, resident] = [binding.getNumOfTensors(), residentBytes()];
    await openAndClose(6);
    expect(binding.getNumOfTensors()).toBe(alive);
    expect(residentBytes() / resident).toBeLessThan(MOST_GROWTH);
  });
});
