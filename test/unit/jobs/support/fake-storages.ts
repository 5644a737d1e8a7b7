/** @file What a fake quantization report says: figures that follow from the storage alone. */
import { type QuantizeReport, recommendStorage, STORAGES } from '../../../../src-shared/domain/quantize-report.ts';

export function fakeStorages(rows: number): QuantizeReport {
  const storages = STORAGES.map((quantization, index) => ({
    quantization,
    bits_per_parameter: [32, 16, 8, 4.5, 4.127][index]!,
    weight_bytes: [320e6, 160e6, 90e6, 60e6, 56e6][index]!,
    cache_bytes: 0,
    mean_error: index * 1e-3,
    max_error: index * 1e-2,
    relative_error: index * 1e-2,
    modules: [
      { module: 'model.layers.0.mlp.up_proj', mean_error: index * 1e-3, max_error: index * 1e-2, relative_error: 0 },
    ],
    eval_loss: 2 + index * 1e-3,
    perplexity: Math.exp(2 + index * 1e-3),
    tokens_per_second: 1000,
  }));
  const counts = { parameters: 100e6, linear_parameters: 80e6, rows, tokens: rows * 10 };
  return { ...counts, storages, recommendation: recommendStorage(storages) };
}
