/**
 * @file model_type -> the function that builds it.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { makeLlama } from './llama.ts';
import type { CausalModel } from './model.ts';

const FAMILIES: Readonly<Record<string, (config: Readonly<Record<string, unknown>>) => CausalModel>> = {
  llama: makeLlama,
};

export const MODEL_TYPES: readonly string[] = Object.keys(FAMILIES);

/** Builds the model that config.json describes. @throws model/unknown-type, model/bad-config */
export function makeModel(config: Readonly<Record<string, unknown>>): CausalModel {
  const type = config['model_type'];
  const make = typeof type === 'string' ? FAMILIES[type] : undefined;
  if (make) return make(config);
  throw new AppError('model/unknown-type', `config.json: model_type ${JSON.stringify(type)} is not supported`, {
    hint: `Supported are ${MODEL_TYPES.join(', ')}.`,
    faults: [{ file: 'config.json', field: 'model_type', message: `${JSON.stringify(type)} is not supported` }],
  });
}
