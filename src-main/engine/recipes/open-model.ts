/**
 * @file Opens a model folder: its architecture, its weights under our names, its tokenizer; every misfit named at once.
 */
import { AppError, type Fault } from '../../../src-shared/domain/app-error.ts';
import { listWeightNames, storedKindOf } from '../formats/bitsandbytes.ts';
import { type ModelFolder, openModelFolder } from '../formats/model-folder.ts';
import { transposeTensors } from '../formats/transposed.ts';
import type { AnyModel } from '../models/model.ts';
import { makeModel } from '../models/registry.ts';
import { transposedNames } from '../nn/weight-spec.ts';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';

export interface OpenModel {
  readonly model: AnyModel;
  /** The weights under the model's own names, matrices as [out, in]. Close it when they are loaded. */
  readonly folder: ModelFolder;
  /** Loaded when first asked for. @throws tokenizer/missing … */
  readonly tokenizer: () => Promise<Tokenizer>;
}

/** @throws model/not-found, model/not-a-model, model/unknown-type, model/bad-config, model/does-not-fit */
export async function openModel(dir: string): Promise<OpenModel> {
  const files = await openModelFolder(dir);
  try {
    const model = makeModel(files.config);
    const transposed = transposedNames(model.weights);
    const folder = transposeTensors(renameTensors(files, model), (name) => transposed.has(name));
    requireFit(files, folder, model);
    let tokenizer: Promise<Tokenizer> | null = null;
    return { model, folder, tokenizer: () => (tokenizer ??= loadTokenizer(dir)) };
  } catch (error) {
    await files.close();
    throw error;
  }
}

/** The same folder with the model's names in place of the file's; what stands beside a quantized weight moves along. */
function renameTensors(files: ModelFolder, model: AnyModel): ModelFolder {
  const toFile = new Map<string, string>();
  for (const name of files.names()) {
    const own = model.sanitizeName(name);
    if (own !== null) toFile.set(own, name);
  }
  const fileName = (name: string): string => {
    const known = toFile.get(name);
    if (known !== undefined) return known;
    const companion = /^(.*\.)(weight\..+|SCB|weight_format)$/.exec(name);
    const weight = companion && toFile.get(`${companion[1]!}weight`);
    return weight ? weight.replace(/weight$/, companion[2]!) : name;
  };
  return {
    ...files,
    names: () => [...toFile.keys()],
    has: (name) => files.has(fileName(name)),
    entry: (name) => files.entry(fileName(name)),
    fileOf: (name) => files.fileOf(fileName(name)),
    readRaw: (name, options) => files.readRaw(fileName(name), options),
    readFloat32: (name, options) => files.readFloat32(fileName(name), options),
  };
}

/** All differences between what the model needs and what the files hold. */
function requireFit(files: ModelFolder, folder: ModelFolder, model: AnyModel): void {
  const faults: Fault[] = [];
  for (const { name, shape } of model.weights) {
    if (!folder.has(name)) {
      faults.push({ file: files.path, field: name, message: 'is missing' });
      continue;
    }
    const found = folder.entry(name).shape;
    if (storedKindOf(folder, name) !== 'nf4' && found.join() !== shape.join()) {
      const message = `has the shape [${found.join(', ')}], config.json says [${shape.join(', ')}]`;
      faults.push({ file: folder.fileOf(name), field: name, message });
    }
  }
  if (faults.length === 0) return;
  const needed = new Set(model.weights.map(({ name }) => name));
  for (const name of listWeightNames(folder)) {
    if (!needed.has(name))
      faults.push({ file: folder.fileOf(name), field: name, message: 'is not part of this architecture' });
  }
  const [first] = faults as [Fault];
  throw new AppError(
    'model/does-not-fit',
    `${files.path}: the weights do not fit config.json (${faults.length} difference${faults.length > 1 ? 's' : ''}; ${first.field} ${first.message})`,
    { faults, hint: 'Get all files of the model again, from one place.' },
  );
}
