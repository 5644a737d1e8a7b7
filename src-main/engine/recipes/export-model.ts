/**
 * @file Exports an adapter as PEFT itself would save it: a native adapter's scaling vectors go into B, which changes nothing in what
 * is computed, and its settings are put in PEFT's words.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { foldScalingVectors, writePeftAdapter } from '../formats/peft-adapter.ts';
import { makePeftConfig } from '../formats/peft-config.ts';
import { openAdapter } from '../peft/open-adapter.ts';
import { addTiedHead, findTrainedTable } from '../peft/tied-head.ts';
import type { ExportModel, WrittenFolder } from './contract.ts';
import { openModel } from './open-model.ts';

/** @throws model/…, adapter/… as opening them does; export/no-adapter, output/not-empty, disk/full; the folder is whole or not there */
export const exportModel: ExportModel = async ({ modelDir, adapterDir, outputDir }) => {
  const { model, folder } = await openModel(modelDir);
  try {
    const opened = await openAdapter(model, folder, adapterDir);
    if (opened.kind === 'weights') throw noAdapter(adapterDir);
    const { adapter, settings, own } = opened;
    const table = findTrainedTable(model, own);
    const config = makePeftConfig({
      ...adapter.config,
      base_model_name_or_path: path.resolve(modelDir),
      target_modules: settings.target_modules,
      exclude_modules: null,
      layers_to_transform: null,
      layers_pattern: null,
      modules_to_save: settings.modules_to_save.length > 0 ? settings.modules_to_save : null,
      // PEFT has no word for a list of modules. With "all" it takes those that are in the file and leaves the others as they are.
      bias: Array.isArray(settings.bias) ? 'all' : settings.bias,
      ensure_weight_tying: table !== null,
      inference_mode: true,
    });
    const tensors = addTiedHead(adapter.tensors, table);
    await writePeftAdapter(outputDir, foldScalingVectors({ ...adapter, config, tensors }));
    return await describe(outputDir);
  } finally {
    await folder.close();
  }
};

function noAdapter(dir: string): AppError {
  const message = 'holds trained weights of the model itself, not an adapter';
  return new AppError('export/no-adapter', `${dir} ${message}`, {
    hint: 'Merge it with the model instead: that gives an ordinary model folder.',
    faults: [{ file: dir, message }],
  });
}

async function describe(dir: string): Promise<WrittenFolder> {
  const files = (await readdir(dir)).sort();
  const sizes = await Promise.all(files.map(async (name) => (await stat(path.join(dir, name))).size));
  return { dir, files, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}
