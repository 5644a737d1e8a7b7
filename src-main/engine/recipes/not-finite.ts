/**
 * @file Where nothing that is computed is a number: weights of the files may be no numbers themselves. They are looked through only
 * then, since reading a whole model takes as long as loading it.
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import { type ModelFolder, openModelFolder } from '../formats/model-folder.ts';
import { isFloatFileDType } from '../formats/tensor-data.ts';

/** Values that are looked through at a time: 16 MB of f32. */
const PART = 2 ** 22;

/** @throws model/not-finite with all tensors that hold a NaN or an infinite number */
export async function requireFiniteWeights(modelDir: string): Promise<void> {
  const folder = await openModelFolder(modelDir);
  try {
    const faults: Fault[] = [];
    for (const name of folder.names()) {
      const found = await countNotFinite(folder, name);
      if (found > 0) faults.push({ file: folder.fileOf(name), field: name, message: describe(found) });
    }
    if (faults.length === 0) return;
    throw new AppError('model/not-finite', `${modelDir} has weights that are no numbers: nothing can be computed`, {
      faults,
      hint: 'Get the files of the model again; if they were trained or merged elsewhere, that went wrong there.',
    });
  } finally {
    await folder.close();
  }
}

const describe = (count: number): string =>
  count === 1 ? 'one of its values is no finite number' : `${count} of its values are no finite numbers`;

async function countNotFinite(folder: ModelFolder, name: string): Promise<number> {
  const { dtype, shape } = folder.entry(name);
  if (!isFloatFileDType(dtype)) return 0;
  const [rows = 1, ...rest] = shape;
  const rowValues = rest.reduce((a, b) => a * b, 1);
  const step = Math.max(1, Math.floor(PART / Math.max(1, rowValues)));
  let count = 0;
  for (let first = 0; first < rows; first += step) {
    const part = shape.length === 0 ? {} : { rows: [first, Math.min(rows, first + step)] as const };
    for (const value of await folder.readFloat32(name, part)) if (!Number.isFinite(value)) count += 1;
  }
  return count;
}

/** @throws generate/not-finite where a model's scores say nothing */
export function requireFiniteScores(scores: Float32Array): void {
  if (!scores.some((score) => Number.isNaN(score))) return;
  throw new AppError('generate/not-finite', 'What the model computes is no number, so it has no answer', {
    hint: 'Its weights are damaged, or its training has diverged: get the model again, or take an earlier checkpoint.',
  });
}
