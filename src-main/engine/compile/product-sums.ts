/**
 * @file Whether the product that adds something itself (`Runner.addToProduct`) works here, which is asked by running an op of oneDNN: it
 * has no bf16 on most processors without AVX-512, and TensorFlow may have been built without it.
 */
import type { DType } from '../device/dtype.ts';
import type { ValueId } from '../device/runner.ts';
import type { TensorFlowBinding } from '../device/tensorflow-binding.ts';
import * as raw from '../ops/primitives.ts';
import { makeTensor } from '../ops/tensor.ts';
import { GraphRunner } from './graph-runner.ts';
import { loadGraph } from './load-graph.ts';

/** Elsewhere the op may be there and be slow; there it was measured. */
const IS_FAST = process.arch === 'x64';

const found = new WeakMap<TensorFlowBinding, ReadonlySet<DType>>();

/** The dtypes in which a graph may use it. Asks once in a process. */
export function productSumDTypes(binding: TensorFlowBinding): ReadonlySet<DType> {
  const known = found.get(binding);
  if (known) return known;
  const isAsked = IS_FAST && !binding.isUsingGpuDevice();
  const dtypes = new Set((['float32', 'bfloat16'] as const).filter((dtype) => isAsked && works(binding, dtype)));
  found.set(binding, dtypes);
  return dtypes;
}

/** Asked with oneDNN's softmax: where the product cannot be had, it would end the process. */
function works(binding: TensorFlowBinding, dtype: DType): boolean {
  const graph = new GraphRunner();
  const { fetches } = graph.traceEntry('asked', {}, () => {
    const one = raw.reshape(raw.scalar(graph, 1, dtype), [1, 1]);
    const attrs = { T: { type: dtype }, _kernel: { string: 'MklNameChangeOp' } };
    const [id] = graph.op('_MklSoftmax', attrs, [one.id], 1) as [ValueId];
    return { share: raw.cast(makeTensor(graph, id, dtype, [1, 1]), 'float32') };
  });
  try {
    const session = loadGraph(binding, graph);
    try {
      const [share] = binding.runSavedModel(session, [], '', fetches.get('share')!);
      const [value] = binding.tensorDataSync(share!.id) as Float32Array;
      binding.deleteTensor(share!.id);
      return value === 1;
    } finally {
      binding.deleteSavedModel(session);
    }
  } catch {
    return false;
  }
}
