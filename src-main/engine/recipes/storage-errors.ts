/**
 * @file How far the linear layers' weights are from the original in each storage, module by module, computed on the host.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ModuleError, StorageError } from '../../../src-shared/domain/quantize-report.ts';
import type { QuantizationConfig } from '../../../src-shared/schema/run-config.ts';
import { roundToBf16 } from '../formats/float-conversion.ts';
import type { ModelFolder } from '../formats/model-folder.ts';
import type { AnyModel } from '../models/model.ts';
import { unquantizedLinears } from '../models/unquantized.ts';
import { makeBaseReader } from '../peft/base-weights.ts';
import { combineErrors, type ErrorFigures, measureError } from '../quant/error-figures.ts';
import { dequantizeInt8Rows, quantizeInt8Rows } from '../quant/int8.ts';
import { dequantizeNf4, quantizeNf4 } from '../quant/nf4.ts';

export interface MeasureErrorsOptions {
  readonly model: AnyModel;
  /** The weights under the model's own names. */
  readonly folder: ModelFolder;
  readonly storages: readonly QuantizationConfig[];
  readonly signal: AbortSignal;
  /** @param fraction 0 to 1 */
  readonly onProgress: (fraction: number) => void;
}

export interface MeasuredErrors extends StorageError {
  readonly modules: readonly ModuleError[];
}

/** Each matrix is read once. @returns figures in the order of the storages. @throws quant/…, AbortError */
export async function measureStorageErrors(options: MeasureErrorsOptions): Promise<MeasuredErrors[]> {
  const { model, folder, storages, signal, onProgress } = options;
  const read = makeBaseReader({ sanitizeName: (name) => name }, folder);
  const whole = unquantizedLinears(model);
  const linears = model.linears.filter((linear) => !whole.includes(linear));
  const figures = storages.map(() => new Map<string, ErrorFigures>());
  for (const [index, { path, outFeatures, inFeatures }] of linears.entries()) {
    const name = `${path}.weight`;
    const original = await read(name);
    for (const [at, storage] of storages.entries()) {
      signal.throwIfAborted();
      const restored = storeAndRestore(original, [outFeatures, inFeatures], storage, name);
      figures[at]!.set(path, measureError(original, restored));
    }
    onProgress((index + 1) / linears.length);
    await nextTurn();
  }
  return figures.map((modules) => ({
    ...toError(combineErrors([...modules.values()])),
    modules: [...modules].map(([module, error]) => ({ module, ...toError(error) })),
  }));
}

function storeAndRestore(
  values: Float32Array<ArrayBuffer>,
  shape: readonly [number, number],
  { method, double_quant: doubleQuant }: QuantizationConfig,
  name: string,
): Float32Array<ArrayBuffer> {
  const about = { sourceDtype: 'float32' as const, name };
  switch (method) {
    case 'none':
      return values;
    case 'bf16': {
      const rounded = values.slice();
      roundToBf16(rounded);
      return rounded;
    }
    case 'int8':
      return dequantizeInt8Rows(quantizeInt8Rows(values, shape, about));
    case 'nf4':
      return dequantizeNf4(quantizeNf4(values, shape, { doubleQuant, ...about }));
  }
}

const toError = ({ meanAbsolute, maxAbsolute, meanRelative }: ErrorFigures): StorageError => ({
  mean_error: meanAbsolute,
  max_error: maxAbsolute,
  relative_error: meanRelative,
});
