/**
 * @file What frozen weights take, on the shape of a model of 135 million parameters: the bits that each storage promises, and that the
 * step holds nothing else of them.
 */
import { describe, expect, it } from 'vitest';
import { GraphRunner } from '../../../../src-main/engine/compile/graph-runner.ts';
import { bytesPerElement } from '../../../../src-main/engine/device/dtype.ts';
import type { CausalModel } from '../../../../src-main/engine/models/model.ts';
import { makeModel } from '../../../../src-main/engine/models/registry.ts';
import { logitsEntry } from '../../../../src-main/engine/steps/evaluate-step.ts';
import { bytesOf, type StorageKind } from '../../../../src-main/engine/weights/frozen-matrix.ts';
import { planVariables, planWeights } from '../../../../src-main/engine/weights/plan.ts';
import { makeTensor } from '../../../../src-main/engine/ops/tensor.ts';

const SHAPE = {
  model_type: 'llama',
  vocab_size: 49152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  max_position_embeddings: 2048,
  tie_word_embeddings: true,
};
const model = makeModel(SHAPE) as CausalModel;
const countOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
const parameters = model.weights.reduce((sum, { shape }) => sum + countOf(shape), 0);
const linear = model.weights.reduce((sum, { role, shape }) => sum + (role === 'matrix' ? countOf(shape) : 0), 0);

const planFor = (storage: StorageKind, doubleQuant: boolean) =>
  planWeights(model, { storage, doubleQuant, compute: 'bfloat16', trained: new Set() });

it('is a model of 135 million parameters', () => {
  expect(parameters).toBe(134_515_008);
});

describe.each([
  ['bfloat16', true, 16, 0.51],
  ['int8', true, 8.047, 0.31],
  ['nf4', false, 4.5, 0.22],
  ['nf4', true, 4.127, 0.21],
] as const)('%s, double quantization %s', (storage, doubleQuant, bits, share) => {
  const plan = planFor(storage, doubleQuant);

  it(`takes ${bits} bits a parameter of the linear layers`, () => {
    const bytes = plan.matrices.reduce((sum, matrix) => sum + bytesOf(matrix), 0);
    expect(((8 * bytes) / linear).toFixed(3)).toBe(bits.toFixed(3));
  });

  it(`takes at most ${share} of the f32 bytes in all, embeddings in bf16`, () => {
    expect(plan.bytes / (4 * parameters)).toBeLessThan(share);
    expect(plan.keptBytes).toBe(0);
  });

  it('is all that the graph of a step holds of the weights', () => {
    const graph = new GraphRunner();
    const entry = logitsEntry({ model, plan, buckets: [] });
    graph.traceEntry(entry.name, entry.inputs, (ids) =>
      entry.run(
        graph,
        Object.fromEntries(
          Object.entries(entry.inputs).map(([name, { dtype, shape }]) => [
            name,
            makeTensor(graph, ids[name]!, dtype, shape),
          ]),
        ),
      ),
    );
    const held = [...graph.variables.values()].reduce(
      (sum, { dtype, shape }) => sum + countOf(shape) * bytesPerElement(dtype),
      0,
    );
    expect(held).toBe(plan.bytes);
    expect([...graph.variables.keys()].sort()).toEqual(
      planVariables(plan)
        .map(({ name }) => name)
        .sort(),
    );
    const constants = graph.nodes.flatMap(({ attrs }) => {
      const value = attrs['value'];
      return typeof value === 'object' && 'tensor' in value ? [value.tensor.bytes.length] : [];
    });
    // No weight is part of the program, nor any table that TensorFlow would copy for each place where it is used. The largest constant says
    // which halves of a head rotary changes.
    const headSize = SHAPE.hidden_size / SHAPE.num_attention_heads;
    expect(Math.max(...constants)).toBeLessThanOrEqual(4 * headSize ** 2);
  });
});

it('keeps expanded copies within the bytes that it is given, the rest without', () => {
  const most = 40_000_000;
  const plan = planWeights(model, {
    storage: 'nf4',
    doubleQuant: true,
    compute: 'bfloat16',
    trained: new Set(),
    keptBytes: most,
  });
  expect(plan.keptBytes).toBeLessThanOrEqual(most);
  expect(plan.keptBytes).toBeGreaterThan(0.9 * most);
  expect(plan.matrices.some(({ kept }) => !kept)).toBe(true);
});
