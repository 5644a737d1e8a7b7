/**
 * @file Matrices of the model itself in adapter files: PEFT saves a module that is trained whole as the model's files hold it, GPT-2's
 * linears as [in, out].
 */
import type { AdapterTensor, AdapterTensors } from '../formats/peft-adapter.ts';
import { transposeFloats } from '../formats/transposed.ts';

/** Turns the named tensors round: from the file's way to ours, or back. */
export function turnTensors(tensors: AdapterTensors, names: ReadonlySet<string>): Map<string, AdapterTensor> {
  return new Map([...tensors].map(([name, tensor]) => [name, names.has(name) ? turn(tensor) : tensor]));
}

function turn({ shape, data }: AdapterTensor): AdapterTensor {
  const [height, width] = shape;
  if (height === undefined || width === undefined || shape.length !== 2) return { shape, data };
  return { shape: [width, height], data: transposeFloats(data, height, width) };
}
