/**
 * @file Makes the shipped sample, from seeds to weights: node scripts/with-node.mjs scripts/make-sample-model.ts [--prepare | --publish DIR]
 *
 * Writes resources/sample-data and resources/sample-model, then pre-trains the model with our own full fine-tuning.
 * `--prepare` stops before the training; `--publish DIR` takes the weights of a finished run (its folder with model.safetensors).
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { prepareWorkplace, publishWeights, trainArguments, trainModel } from './sample/pretraining.ts';
import { makeSampleResources } from './sample/resources.ts';
import { REPO_ROOT } from './setup/paths.mjs';

const WORK_DIR = path.join(REPO_ROOT, 'out', 'sample-model');
const DATA_DIR = path.join(REPO_ROOT, 'resources', 'sample-data');
const MODEL_DIR = path.join(REPO_ROOT, 'resources', 'sample-model');

const { values } = parseArgs({ options: { prepare: { type: 'boolean' }, publish: { type: 'string' } } });
if (values.publish === undefined) await make(values.prepare === true);
else await publish(values.publish);

async function make(onlyPrepare: boolean): Promise<void> {
  const resources = makeSampleResources();
  await writeFiles(DATA_DIR, resources.dataFiles);
  await writeFiles(MODEL_DIR, resources.modelFiles);
  const workplace = await prepareWorkplace(WORK_DIR, resources, MODEL_DIR);
  console.log(`Ready to train: node scripts/tunesmith.mjs ${trainArguments(workplace).join(' ')}`);
  if (onlyPrepare) return;
  const { result, log } = await trainModel(workplace);
  await writeFile(path.join(MODEL_DIR, 'training-log.csv'), log);
  await publish(result.adapter_dir);
}

async function publish(dir: string): Promise<void> {
  const target = path.join(MODEL_DIR, 'model.safetensors');
  await publishWeights(path.join(dir, 'model.safetensors'), target);
  console.log(`Written: ${target}`);
}

async function writeFiles(dir: string, files: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(dir, { recursive: true });
  for (const [name, text] of files) await writeFile(path.join(dir, name), text);
}
