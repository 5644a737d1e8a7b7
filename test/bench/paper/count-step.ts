/**
 * @file Counts a QLoRA training step of a 7B Llama without its weights: one and two layers of the real width run eagerly, on zeros, at
 * three lengths; what a layer adds is a polynomial of the length, so 32 layers at any length follow (PAPER.md).
 *
 *   node scripts/with-node.mjs test/bench/paper/count-step.ts [TOKENS]
 */
import path from 'node:path';
import { runtimesRoot } from '../../../scripts/setup/paths.mjs';
import { EagerProgram } from '../../../src-main/engine/compile/eager-program.ts';
import { toBindingAttrs } from '../../../src-main/engine/device/eager-runner.ts';
import type { Device } from '../../../src-main/engine/device/device.ts';
import type { Variable } from '../../../src-main/engine/device/runner.ts';
import { loadTensorFlow } from '../../../src-main/engine/device/tensorflow-binding.ts';
import type { ModelFolder } from '../../../src-main/engine/formats/model-folder.ts';
import { makeLlama } from '../../../src-main/engine/models/llama.ts';
import { makeOptimizer } from '../../../src-main/engine/optim/make-optimizer.ts';
import { attachPeft } from '../../../src-main/engine/peft/attach.ts';
import { PEFT_DEFAULTS } from '../../../src-main/engine/peft/defaults.ts';
import { languageTask } from '../../../src-main/engine/steps/language-task.ts';
import { TableCache } from '../../../src-main/engine/steps/token-inputs.ts';
import { hyperArray, trainEntries, trainVariables } from '../../../src-main/engine/steps/train-step.ts';
import { planVariables, planWeights } from '../../../src-main/engine/weights/plan.ts';
import { makeBuckets } from '../../../src-main/engine/weights/trainables.ts';
import { type Counts, countOps } from './counting-device.ts';
import { addCounts, extrapolate, listOps, scaleCounts, splitByLength } from './extrapolate.ts';

const LLAMA_7B = {
  model_type: 'llama',
  vocab_size: 32000,
  hidden_size: 4096,
  intermediate_size: 11008,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  max_position_embeddings: 4096,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: false,
};
const LAYERS = 32;
const LENGTHS = [64, 128, 192] as const;
/** What the product takes for 2,048 labels and this vocabulary. */
const CHUNKS = 3;
const ADAMW = { optim: 'adamw', adam_beta1: 0.9, adam_beta2: 0.999, adam_epsilon: 1e-8, momentum: 0 } as const;

const tokens = Number(process.argv[2] ?? 2048);
const bindingPath = path.join(runtimesRoot(), 'tensorflow-cpu-2.21.0-linux-x64', 'tfjs_binding.node');
const binding = loadTensorFlow({ bindingPath });
for (const checkpointing of [false, true]) {
  const [one, two] = [await countStep(1, checkpointing), await countStep(2, checkpointing)];
  const wholeAt = (length: number): Counts => {
    const first = extrapolate(one.counted, length);
    const layer = addCounts(extrapolate(two.counted, length), scaleCounts(first, -1));
    return addCounts(first, scaleCounts(layer, LAYERS - 1));
  };
  const grow = (base: number, next: number): number => base + (next - base) * (LAYERS - 1);
  const figures = {
    tokens,
    checkpointing,
    frozenBytes: grow(one.weightBytes, two.weightBytes),
    trainedValues: grow(one.trainedValues, two.trainedValues),
    bytes: splitByLength(wholeAt, tokens),
    ops: listOps(wholeAt(tokens)),
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

/** Counts of a step at each of the lengths. */
async function countStep(layers: number, checkpointing: boolean) {
  const counting = countOps(binding);
  const { device } = counting;
  const model = makeLlama({ ...LLAMA_7B, num_hidden_layers: layers });
  const folder = emptyFolder();
  const setup = await attachPeft({ model, folder, peft: PEFT_DEFAULTS, loraPlus: null, seed: 1 });
  const trained = new Set(setup.trainables.map(({ name }) => name));
  const plan = planWeights(model, { storage: 'nf4', compute: 'bfloat16', doubleQuant: true, trained });
  const buckets = makeBuckets(setup.trainables);
  const optimizer = makeOptimizer({ ...ADAMW, loraplus_lr_ratio: null } as never);
  const task = languageTask({ model, tables: new TableCache(model), chunks: CHUNKS });
  const step = {
    task,
    plan,
    buckets,
    optimizer,
    weightDecay: 0,
    checkpointing,
    fuses: false,
    attentionParts: 1,
    accumulate: false,
  };
  const { state } = trainVariables(step);
  const groups = { frozen: planVariables(plan), state };
  const program = new EagerProgram(device, { entries: trainEntries(step), groups });
  for (const [group, variables] of Object.entries(groups)) {
    program.setVariables(group, new Map(variables.map((variable) => [variable.name, zeros(device, variable)])));
  }
  const counted = LENGTHS.map((length): readonly [number, Counts] => {
    counting.take();
    const inputIds = Int32Array.from({ length }, (_, index) => index);
    const labelPositions = inputIds.slice(0, -1);
    const grid = { batch: 1, seq: length, inputIds, positionIds: inputIds, segmentIds: new Int32Array(length).fill(1) };
    const labels = { labelPositions, labelIds: inputIds.slice(1), targets: null, decoder: null };
    const { arrays, sizes } = task.arrays({ ...grid, ...labels }, 1 / labelPositions.length);
    program.call('train', sizes, { ...arrays, seed: Int32Array.of(1), hyper: hyperArray(optimizer, 1, 1e-4, 1) });
    return [length, counting.take()];
  });
  program.dispose();
  const trainedValues = buckets.reduce((sum, { size }) => sum + size, 0);
  return { counted, weightBytes: plan.bytes, trainedValues };
}

/** Nothing is read from it: every starting value is zero. */
function emptyFolder(): ModelFolder {
  return { path: '', names: () => [], has: () => false } as unknown as ModelFolder;
}

function zeros(device: Device, { dtype, shape }: Variable): number {
  const size = device.createTensor([shape.length], 3, Int32Array.from(shape));
  const zero = device.createTensor([], 1, Float32Array.of(0));
  const cast = toBindingAttrs({ SrcT: { type: 'float32' }, DstT: { type: dtype }, Truncate: false });
  const typed = device.executeOp('Cast', cast, [zero], 1)[0]!.id;
  const fill = toBindingAttrs({ T: { type: dtype }, index_type: { type: 'int32' } });
  const filled = device.executeOp('Fill', fill, [size, typed], 1)[0]!.id;
  for (const id of [size, zero, typed]) device.deleteTensor(id);
  return filled;
}
