/**
 * @file What each way to store a model's weights costs and loses, measured on the user's own rows: the quantization report.
 */
import type { QuantizationConfig } from '../schema/run-config.ts';

/** The difference between stored and original weights. */
export interface StorageError {
  /** Mean and largest of |stored - original|. */
  readonly mean_error: number;
  readonly max_error: number;
  /** Mean of |stored - original| / |original|. */
  readonly relative_error: number;
}

export interface ModuleError extends StorageError {
  /** Module path, for instance `model.layers.0.self_attn.q_proj`. */
  readonly module: string;
}

/** One way to store the weights. */
export interface StorageReport extends StorageError {
  readonly quantization: QuantizationConfig;
  /** Of the linear layers; embeddings, norms and the output head are not quantized. */
  readonly bits_per_parameter: number;
  /** All frozen weights on the device. */
  readonly weight_bytes: number;
  /** Expanded copies beside them, where memory allows. */
  readonly cache_bytes: number;
  readonly modules: readonly ModuleError[];
  readonly eval_loss: number;
  /** null where the loss is not that of a language model. */
  readonly perplexity: number | null;
  /** Of the evaluation, padding left out. */
  readonly tokens_per_second: number;
}

export interface QuantizeReport {
  readonly parameters: number;
  /** Parameters in the layers that quantization stores smaller. */
  readonly linear_parameters: number;
  /** Rows that were measured on, and their labelled tokens. */
  readonly rows: number;
  readonly tokens: number;
  /** From the largest to the smallest. */
  readonly storages: readonly StorageReport[];
  readonly recommendation: Recommendation;
}

/** A report as it is kept in the home: the same model and the same rows are measured once. */
export interface KeptReport {
  readonly report: QuantizeReport;
  /** Milliseconds since 1970. */
  readonly measured_at: number;
  /** It was measured before. */
  readonly cached: boolean;
}

export interface Recommendation {
  readonly quantization: QuantizationConfig;
  readonly reason: string;
}

export const STORAGES: readonly QuantizationConfig[] = [
  { method: 'none', double_quant: true },
  { method: 'bf16', double_quant: true },
  { method: 'int8', double_quant: true },
  { method: 'nf4', double_quant: false },
  { method: 'nf4', double_quant: true },
];

/** A loss this much higher is made up for in training: a share of the loss, and at least so much. */
const ACCEPTED_SHARE = 0.01;
const ACCEPTED_RISE = 0.02;

/** `none`, `bf16`, `int8`, `nf4`, `nf4 without double quantization`. */
export function storageLabel({ method, double_quant: doubleQuant }: QuantizationConfig): string {
  return method === 'nf4' && !doubleQuant ? 'nf4 without double quantization' : method;
}

/** The smallest storage whose loss is hardly above the best one's. */
export function recommendStorage(
  storages: readonly Pick<StorageReport, 'quantization' | 'weight_bytes' | 'eval_loss'>[],
): Recommendation {
  const best = Math.min(...storages.map(({ eval_loss: loss }) => loss));
  const most = Math.max(ACCEPTED_RISE, best * ACCEPTED_SHARE);
  const accepted = storages.filter(({ eval_loss: loss }) => loss <= best + most);
  const chosen = accepted.reduce((smallest, next) => (next.weight_bytes < smallest.weight_bytes ? next : smallest));
  const largest = Math.max(...storages.map(({ weight_bytes: bytes }) => bytes));
  const share = Math.round((100 * chosen.weight_bytes) / largest);
  const rise = chosen.eval_loss - best;
  const reason =
    chosen.weight_bytes === largest
      ? `every smaller storage raises the loss on your rows by more than ${most.toFixed(3)}`
      : `${share} % of the memory; the loss on your rows rises by ${rise.toFixed(3)}, which training makes up for`;
  return { quantization: chosen.quantization, reason };
}
