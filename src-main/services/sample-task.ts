/**
 * @file The sample: a small model and data that come with the program, so that an empty app has something to show.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { parseRunConfig, type RunConfig } from '../../src-shared/schema/run-config.ts';

/**
 * A run of the sample model on the sample data; what is left out is chosen for them as for any other data.
 * @param resources folder with sample-model/ and sample-data/
 * @throws sample/missing
 */
export function sampleConfig(resources: string): RunConfig {
  const model = path.join(resources, 'sample-model');
  const [train = '', heldOut = ''] = ['train.jsonl', 'test.jsonl'].map((name) =>
    path.join(resources, 'sample-data', name),
  );
  const missing = [path.join(model, 'config.json'), path.join(model, 'model.safetensors'), train, heldOut].find(
    (file) => !existsSync(file),
  );
  if (missing) {
    throw new AppError('sample/missing', `The sample is not complete: ${missing} is missing`, {
      kind: 'environment',
      hint: 'Install Tunesmith again, or choose a model and data of your own.',
    });
  }
  const training = { eval_on_start: true };
  return parseRunConfig({ name: 'Sample', model: { path: model }, data: { train, eval: heldOut }, training });
}
