/**
 * @file The quantization report: for each way to store the weights its bits, its memory, its errors module by module, and loss and speed
 * on the user's own rows, so that the trade is seen before training.
 */
import {
  type QuantizeReport,
  recommendStorage,
  STORAGES,
  type StorageReport,
} from '../../../src-shared/domain/quantize-report.ts';
import type { QuantizationConfig } from '../../../src-shared/schema/run-config.ts';
import { longestOf } from '../data/lengths.ts';
import type { TokenizedExample } from '../data/types.ts';
import { unquantizedLinears, unquantizedWeights } from '../models/unquantized.ts';
import { evaluateEntry } from '../steps/evaluate-step.ts';
import { bytesOf } from '../weights/frozen-matrix.ts';
import type { WeightPlan } from '../weights/plan.ts';
import type { MakeQuantizeReport, QuantizeReportOptions } from './contract.ts';
import { chooseBatchSize, makeMeasured, type ReadExamples, readExamples } from './evaluate.ts';
import { openInferenceSession } from './inference-session.ts';
import { measureLoss } from './measure-loss.ts';
import { requireFiniteWeights } from './not-finite.ts';
import { openModel } from './open-model.ts';
import { type MeasuredErrors, measureStorageErrors } from './storage-errors.ts';
import { countValues } from '../weights/trainables.ts';

/** @throws what preparing the data and opening the model throw; quant/… where weights cannot be quantized */
export const makeQuantizeReport: MakeQuantizeReport = async (options) => {
  const { host, modelDir, maxRows } = options;
  const read = await readExamples({ host, modelDir, adapterDir: null, data: options.data });
  const rows = { ...read, examples: takeSpread(read.examples, maxRows) };
  const errors = await errorsOf(options);
  const storages: StorageReport[] = [];
  let counts = { parameters: 0, linear_parameters: 0, tokens: 0 };
  for (const [index, quantization] of STORAGES.entries()) {
    host.signal.throwIfAborted();
    const measured = await measureStorage(options, quantization, rows);
    counts = measured.counts;
    storages.push({ quantization, ...measured.figures, ...errors[index]! });
  }
  return {
    ...counts,
    rows: rows.examples.length,
    storages,
    recommendation: recommendStorage(storages),
  } satisfies QuantizeReport;
};

/** Rows from all over the file, always the same ones. */
function takeSpread(examples: readonly TokenizedExample[], most: number): readonly TokenizedExample[] {
  if (examples.length <= most) return examples;
  return Array.from({ length: most }, (_, index) => examples[Math.floor((index * examples.length) / most)]!);
}

async function errorsOf({ host, modelDir }: QuantizeReportOptions): Promise<MeasuredErrors[]> {
  const { model, folder } = await openModel(modelDir);
  const onProgress = (fraction: number): void =>
    host.report({ event: 'progress', phase: 'Comparing weights', fraction });
  try {
    return await measureStorageErrors({ model, folder, storages: STORAGES, signal: host.signal, onProgress });
  } finally {
    await folder.close();
  }
}

/** Everything about a storage but its errors. */
type StorageFigures = Omit<StorageReport, 'quantization' | keyof MeasuredErrors>;

async function measureStorage(
  { host, modelDir }: QuantizeReportOptions,
  quantization: QuantizationConfig,
  { examples, tokenizer }: ReadExamples,
) {
  const longest = longestOf(examples);
  const batchSize = chooseBatchSize(longest);
  let measured: ReturnType<typeof makeMeasured>;
  const session = await openInferenceSession(host, { modelDir, adapterDir: null, quantization }, (parts) => {
    measured = makeMeasured(parts, tokenizer, batchSize * longest);
    return { entries: [evaluateEntry({ ...parts, task: measured.step })] };
  });
  try {
    const { program, model, plan } = session;
    const measure = (rows: readonly TokenizedExample[], onProgress?: (fraction: number) => void) =>
      measureLoss({
        program,
        ...measured,
        examples: rows,
        batchSize,
        signal: host.signal,
        ...(onProgress && { onProgress }),
      });
    // The first call of a graph prepares it; that is no part of its speed.
    await measure(examples.slice(0, 1));
    const started = host.now();
    const loss = await measure(examples, (fraction) =>
      host.report({ event: 'progress', phase: `Measuring ${quantization.method}`, fraction }),
    );
    if (!Number.isFinite(loss.eval_loss)) await requireFiniteWeights(modelDir);
    const seconds = Math.max(1e-6, (host.now() - started) / 1000);
    const read = examples.reduce(
      (sum, { inputIds, decoderIds }) => sum + inputIds.length + (decoderIds?.length ?? 0),
      0,
    );
    const figures: StorageFigures = {
      ...sizesOf(plan, unquantizedWeights(model)),
      eval_loss: loss.eval_loss,
      perplexity: loss.perplexity,
      tokens_per_second: read / seconds,
    };
    const { weights, linears } = model;
    const whole = unquantizedLinears(model);
    const counts = {
      parameters: countValues(weights),
      linear_parameters: linears
        .filter((linear) => !whole.includes(linear))
        .reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0),
      tokens: loss.tokens,
    };
    return { figures, counts };
  } finally {
    session.dispose();
  }
}

function sizesOf(plan: WeightPlan, outputs: ReadonlySet<string>) {
  const linears = plan.matrices.filter(({ name }) => !outputs.has(name));
  const bytes = linears.reduce((sum, matrix) => sum + bytesOf(matrix), 0);
  const parameters = linears.reduce(
    (sum, { members, columns }) => sum + members.reduce((rows, member) => rows + member.rows, 0) * columns,
    0,
  );
  return { bits_per_parameter: (8 * bytes) / parameters, weight_bytes: plan.bytes, cache_bytes: plan.keptBytes };
}
