/**
 * @file Exports a result for other programs: an adapter as PEFT itself would save it, or a merged model.
 *
 * For PEFT a native adapter's scaling vectors go into B, which changes nothing in what is computed, and its settings are put in PEFT's
 * words.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { foldScalingVectors, writePeftAdapter } from '../formats/peft-adapter.ts';
import { makePeftConfig } from '../formats/peft-config.ts';
import { transposedNames } from '../nn/weight-spec.ts';
import { turnTensors } from '../peft/file-orientation.ts';
import { openAdapter } from '../peft/open-adapter.ts';
import { addTiedHead, findTrainedTable } from '../peft/tied-head.ts';
import type { ExportModel, ExportOptions, WrittenFolder } from './contract.ts';
import { exportQuantized } from './export-quantized.ts';
import { writeMerged } from './merge.ts';
import { openModelFor } from './open-model.ts';

/** @throws model/…, adapter/… as opening them does; export/…, output/not-empty, disk/full; the folder is whole or not there */
export const exportModel: ExportModel = async (options) => {
  switch (options.format) {
    case 'peft':
      return exportAdapter(options);
    case 'safetensors':
      return writeMerged({ ...options, dtype: options.dtype ?? null });
    case 'bitsandbytes':
      return exportQuantized(options);
  }
};

async function exportAdapter({ modelDir, adapterDir, outputDir }: ExportOptions): Promise<WrittenFolder> {
  if (adapterDir === null) throw noAdapter(modelDir, 'is a model without an adapter');
  const { model, folder } = await openModelFor(modelDir, adapterDir);
  try {
    const opened = await openAdapter(model, folder, adapterDir);
    if (opened.kind === 'weights')
      throw noAdapter(adapterDir, 'holds trained weights of the model itself, not an adapter');
    const { adapter, settings, own, targets } = opened;
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
      fan_in_fan_out: targets.some(({ transposed }) => transposed),
      inference_mode: true,
    });
    const tensors = turnTensors(addTiedHead(adapter.tensors, table), transposedNames(model.weights));
    await writePeftAdapter(outputDir, foldScalingVectors({ ...adapter, config, tensors }));
    return await describe(outputDir);
  } finally {
    await folder.close();
  }
}

function noAdapter(dir: string, message: string): AppError {
  return new AppError('export/no-adapter', `${dir} ${message}`, {
    hint: 'Use the safetensors format instead: that gives an ordinary model folder.',
    faults: [{ file: dir, message }],
  });
}

async function describe(dir: string): Promise<WrittenFolder> {
  const files = (await readdir(dir)).sort();
  const sizes = await Promise.all(files.map(async (name) => (await stat(path.join(dir, name))).size));
  return { dir, files, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}
