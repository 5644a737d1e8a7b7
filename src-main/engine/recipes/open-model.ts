/**
 * @file Opens a model folder: its architecture, its weights under our names, its tokenizer; every misfit named at once.
 *
 * A classifier's head may be missing from the files (a base model, an adapter that brings it): it is then drawn anew where that is allowed.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { ClassSet } from '../data/class-labels.ts';
import { storedKindOf } from '../formats/bitsandbytes.ts';
import { type ModelFolder, openModelFolder } from '../formats/model-folder.ts';
import { transposeTensors } from '../formats/transposed.ts';
import type { AnyModel } from '../models/model.ts';
import { transposedNames, type WeightSpec } from '../nn/weight-spec.ts';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';
import { keepWithinModel } from '../tokenizer/within-model.ts';
import { makeModelOf, requireFit } from './explain-misfit.ts';
import { classesOfModel, findClasses } from './find-classes.ts';
import { addFreshTensors, renameTensors } from './model-view.ts';

export interface OpenModel {
  readonly model: AnyModel;
  /** What a classifier predicts; null for language models. */
  readonly classes: ClassSet | null;
  /** The weights under the model's own names, matrices as [out, in]. Close it when they are loaded. */
  readonly folder: ModelFolder;
  /** Weights of the head that the files lack, or hold for another number of classes, and the seed they are drawn from. */
  readonly fresh: readonly string[];
  /** Classes that the files' own head is for, where it is for another number of them. */
  readonly storedClasses: number | null;
  readonly headSeed: number;
  /** Loaded when first asked for; it gives only tokens that the model has. @throws tokenizer/missing … */
  readonly tokenizer: () => Promise<Tokenizer>;
}

export interface OpenModelOptions {
  /** null = a head for words; left out = as config.json says. */
  readonly classes?: ClassSet | null;
  /** Draws the weights of a classification head that the files lack; left out = they must be there. */
  readonly headSeed?: number;
}

/** @throws model/not-found, model/not-a-model, model/unknown-type, model/bad-config, model/does-not-fit */
export async function openModel(dir: string, options: OpenModelOptions = {}): Promise<OpenModel> {
  const files = await openModelFolder(dir);
  try {
    return fitModel(files, options);
  } catch (error) {
    await files.close();
    throw error;
  }
}

/**
 * A model as it is with an adapter: that may bring a classification head which the model has not.
 * @throws what openModel throws
 */
export async function openModelFor(modelDir: string, adapterDir: string | null): Promise<OpenModel> {
  const files = await openModelFolder(modelDir);
  try {
    const classes = await findClasses(files, adapterDir);
    return fitModel(files, { classes, ...(adapterDir !== null && { headSeed: 0 }) });
  } catch (error) {
    await files.close();
    throw error;
  }
}

/**
 * Refuses to compute with numbers that nobody trained.
 * @param brought names of the tensors that an adapter brings
 * @throws model/no-head
 */
export function requireHead({ fresh, folder }: OpenModel, brought: ReadonlySet<string>): void {
  const missing = fresh.filter((name) => !brought.has(name));
  if (missing.length === 0) return;
  throw new AppError(
    'model/no-head',
    `${folder.path} and the adapter lack a part of the classifier: ${missing.join(', ')}`,
    {
      faults: missing.map((field) => ({ file: folder.path, field, message: 'is missing' })),
      hint: 'Give the model that the adapter was trained on, with the weights it had then.',
    },
  );
}

function fitModel(files: ModelFolder, options: OpenModelOptions): OpenModel {
  const classes = options.classes === undefined ? classesOfModel(files) : options.classes;
  const model = makeModelOf(files, classes?.names.length ?? null);
  const transposed = transposedNames(model.weights);
  const stored = transposeTensors(renameTensors(files, model), (name) => transposed.has(name));
  const fresh = options.headSeed === undefined ? [] : listFresh(stored, model);
  const headSeed = options.headSeed ?? 0;
  const folder = fresh.length === 0 ? stored : addFreshTensors(stored, fresh, headSeed);
  requireFit(files, folder, model);
  let tokenizer: Promise<Tokenizer> | null = null;
  return {
    model,
    classes,
    folder,
    fresh: fresh.map(({ name }) => name),
    storedClasses: countStored(stored, fresh),
    headSeed,
    tokenizer: () =>
      (tokenizer ??= loadTokenizer(files.path).then((own) => keepWithinModel(own, model.facts.vocabSize))),
  };
}

/** Weights of the head that are missing, or made for another number of classes. */
function listFresh(folder: ModelFolder, model: AnyModel): WeightSpec[] {
  if (model.kind !== 'classifier') return [];
  const head = new Set(model.freshWeights);
  return model.weights.filter(({ name, shape }) => {
    if (!head.has(name)) return false;
    return (
      !folder.has(name) || (storedKindOf(folder, name) === null && folder.entry(name).shape.join() !== shape.join())
    );
  });
}

/** Rows of the head's last matrix in the files. @returns null where they have none */
function countStored(folder: ModelFolder, fresh: readonly WeightSpec[]): number | null {
  const last = fresh.findLast(({ name, shape }) => shape.length === 2 && folder.has(name));
  return last ? folder.entry(last.name).shape[0]! : null;
}
