/**
 * @file Random weights to start pre-training from: normal with deviation 0.02, norms 1, the same numbers each time.
 */
import { writeModelFolder } from '../../src-main/engine/formats/write-model-folder.ts';
import { encodeFloats } from '../../src-main/engine/formats/tensor-data.ts';
import type { TensorToWrite } from '../../src-main/engine/formats/safetensors.ts';
import { makeLlama } from '../../src-main/engine/models/llama.ts';
import { MODEL_CONFIG } from './model-files.ts';
import { createRandom } from './random.ts';

const SEED = 3;

/** The tensors of the sample model in float32. */
export function makeInitialTensors(): TensorToWrite[] {
  return makeLlama(MODEL_CONFIG).weights.map(({ name, shape, role }, stream) => {
    const random = createRandom(SEED, stream);
    const count = shape.reduce((product, size) => product * size, 1);
    const draw = role === 'vector' ? () => 1 : () => MODEL_CONFIG.initializer_range * random.normal();
    return { name, dtype: 'F32', shape, data: encodeFloats(Float32Array.from({ length: count }, draw), 'F32') };
  });
}

/**
 * Writes a model folder with random weights.
 * @param dir must not exist or be empty
 * @param modelFiles folder with the other files of the model
 */
export async function writeInitialModel(dir: string, modelFiles: string): Promise<void> {
  const config = { ...MODEL_CONFIG, architectures: [...MODEL_CONFIG.architectures], torch_dtype: 'float32' };
  await writeModelFolder(dir, { config, tensors: makeInitialTensors(), copyFrom: modelFiles });
}
