/**
 * @file A model's files as they are written anew: as they stand, or, where a classifier was made of a language model, under the
 * classifier's names with its head among them and its classes in config.json.
 */
import { openModelFolder, type ModelFolder } from '../formats/model-folder.ts';
import { classifierConfig } from './classifier-config.ts';
import { addFreshTensors, renameTensors } from './model-view.ts';
import type { OpenModel } from './open-model.ts';

/** Close it when everything is written. */
export async function openFilesToWrite({
  model,
  classes,
  folder,
  fresh,
  headSeed,
  tokenizer,
}: OpenModel): Promise<ModelFolder> {
  const files = await openModelFolder(folder.path);
  if (classes === null) return files;
  const padTokenId = await tokenizer().then(
    (known) => known.padTokenId ?? known.eosTokenId,
    () => null, // transformers then reads one row at a time
  );
  const specs = model.weights.filter(({ name }) => fresh.includes(name));
  const named = addFreshTensors(renameTensors(files, model), specs, headSeed);
  return { ...named, config: classifierConfig(files.config, classes, padTokenId) };
}
