/**
 * @file Loss traces: one run of ours beside one of transformers' Trainer, from the same model, adapter, rows and settings.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';
import { expectCli, stepFigures } from './cli.ts';
import { PLAIN_TRAINING } from './plain-training.ts';
import type { ReferenceTask, ReferenceTrace } from './python.ts';
import { randomInts, randomTokens } from './random.ts';
import { largestDifference } from './tensors.ts';

export const TRACE_VOCAB = 160;
export const TRACE_STEPS = 20;

export const TRACE_MODEL = {
  vocab_size: TRACE_VOCAB,
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
  tie_word_embeddings: false,
};

type Settings = Readonly<Record<string, unknown>>;

export interface TraceCase {
  readonly name: string;
  /** Laid over TRACE_MODEL. */
  readonly model?: Settings;
  /** Another family than Llama, with a configuration of its own. */
  readonly family?: {
    readonly type: string;
    readonly config: Settings;
    /** Further arguments of make_model. */
    readonly make?: Settings;
    /** Its rows are sources with answers of their own. */
    readonly isEncoderDecoder: boolean;
  };
  /** Our `peft` section. PEFT makes the adapter from it; our run then starts from that adapter and takes its settings over. */
  readonly peft: Settings;
  /** Our `training` section, laid over TRACE_TRAINING; the reference translates it. */
  readonly training?: Settings;
  readonly quantization?: 'none' | 'bf16' | 'nf4' | 'int8';
  /** Rows of the file; as many as TRACE_STEPS need where left out. */
  readonly rowCount?: number;
  /** B of the starting adapter: random unless false, then zero as a fresh adapter's. */
  readonly randomB?: boolean;
  /** Both sides make their own starting adapter: for one that is no matter of chance. */
  readonly fresh?: boolean;
  /** Our `peft_type`, where it differs from the adapter's. */
  readonly peftType?: 'QLORA';
  /** Of Quasi-LoRA. */
  readonly scalingVectorLrRatio?: number;
}

const TRACE_TRAINING = {
  ...PLAIN_TRAINING,
  optim: 'adamw',
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
};

const DISTINCT_ROWS = 8;

interface CaseFiles {
  readonly model: string;
  readonly adapter: string | null;
  readonly rows: string;
  readonly config: string;
  readonly output: string;
}

function caseFiles(folder: string, index: number, { peft, fresh }: TraceCase): CaseFiles {
  const place = (name: string) => path.join(folder, String(index), name);
  return {
    model: place('model'),
    adapter: peft.peft_type === 'NONE' || fresh ? null : place('adapter'),
    rows: place('rows.jsonl'),
    config: place('config.json'),
    output: place('run'),
  };
}

function trainingOf({ training }: TraceCase): typeof TRACE_TRAINING {
  return { ...TRACE_TRAINING, ...training };
}

/**
 * Rows of several lengths, every third token of every second row without a label; few distinct ones, so that the loss falls.
 * @param arePairs with an answer of another length instead
 */
function makeRows(count: number, arePairs: boolean): string {
  const next = randomInts(7);
  const distinct = Array.from({ length: DISTINCT_ROWS }, (_, index) => {
    const input_ids = randomTokens(100 + index, 5 + next(20), TRACE_VOCAB);
    if (arePairs) return { input_ids, labels: randomTokens(200 + index, 4 + next(20), TRACE_VOCAB) };
    return index % 2 === 0 ? { input_ids } : { input_ids, labels: input_ids.map((id, i) => (i % 3 === 0 ? -100 : id)) };
  });
  return Array.from({ length: count }, (_, index) => `${JSON.stringify(distinct[index % DISTINCT_ROWS])}\n`).join('');
}

/** Writes the case's rows and our configuration, and gives the tasks whose last result is the reference trace. */
export function prepareTrace(folder: string, index: number, traceCase: TraceCase): ReferenceTask[] {
  const files = caseFiles(folder, index, traceCase);
  const training = trainingOf(traceCase);
  const { peft, quantization = 'none', randomB = true, peftType, scalingVectorLrRatio: ratio, family } = traceCase;
  const needed = TRACE_STEPS * training.per_device_train_batch_size * training.gradient_accumulation_steps;
  mkdirSync(path.dirname(files.rows), { recursive: true });
  writeFileSync(files.rows, makeRows(traceCase.rowCount ?? needed, family?.isEncoderDecoder === true));
  writeFileSync(files.config, JSON.stringify(ourConfig(files, traceCase), null, 2));
  const common = { model: files.model, rows: files.rows, peft, training, adapter: files.adapter };
  return [
    {
      op: 'make_model',
      folder: files.model,
      model_type: family?.type ?? 'llama',
      config: family?.config ?? { ...TRACE_MODEL, ...traceCase.model },
      ...family?.make,
      seed: 3,
      // transformers rounds weights to bf16 before it quantizes them; we quantize what is in the file.
      dtype: quantization === 'nf4' || quantization === 'int8' ? 'bf16' : 'f32',
    },
    ...(files.adapter === null
      ? []
      : [{ op: 'make_adapter', model: files.model, folder: files.adapter, peft, random_b: randomB }]),
    peftType === 'QLORA'
      ? { op: 'train_quasi_lora', ...common, peft: { ...peft, ...ratioOf(ratio) }, quantization }
      : { op: 'train', ...common, quantization },
  ];
}

const ratioOf = (ratio: number | undefined): Settings =>
  ratio === undefined ? {} : { scaling_vector_lr_ratio: ratio };

function ourConfig(files: CaseFiles, traceCase: TraceCase): Settings {
  const { peft, quantization = 'none', peftType, scalingVectorLrRatio: ratio } = traceCase;
  return {
    model: { path: files.model },
    data: {
      train: [files.rows],
      eval: null,
      eval_fraction: 0,
      format: 'tokens',
      max_length: 64,
      packing: false,
      shuffle: false,
      completion_only_loss: false,
    },
    quantization: { method: quantization },
    peft:
      files.adapter === null ? peft : { peft_type: peftType ?? 'LORA', adapter_path: files.adapter, ...ratioOf(ratio) },
    training: trainingOf(traceCase),
  };
}

export interface TraceTolerance {
  /** Absolute, per step. */
  readonly loss: number;
  /** Relative, per step; null = not compared. */
  readonly gradNorm: number | null;
}

/** Runs our side of a prepared case and compares every step. */
export async function expectSameTrace(
  folder: string,
  index: number,
  traceCase: TraceCase,
  reference: ReferenceTrace,
  tolerance: TraceTolerance,
): Promise<void> {
  const files = caseFiles(folder, index, traceCase);
  const events = await expectCli([
    ...['train', '--model', files.model, '--data', files.rows, '--output', files.output, '--config', files.config],
  ]);
  const losses = stepFigures(events, 'loss');
  expect(losses).toHaveLength(reference.loss.length);
  expect(events.find(({ event }) => event === 'start')?.trainable_parameters).toBe(reference.trainable);
  expect(largestDifference(stepFigures(events, 'learning_rate'), reference.learning_rate)).toBeLessThan(1e-8);
  if (tolerance.gradNorm !== null) {
    const ratios = stepFigures(events, 'grad_norm').map((norm, step) => norm / (reference.grad_norm[step] ?? NaN));
    expect(
      largestDifference(
        ratios,
        reference.grad_norm.map(() => 1),
      ),
    ).toBeLessThanOrEqual(tolerance.gradNorm);
  }
  expect(largestDifference(losses, reference.loss)).toBeLessThanOrEqual(tolerance.loss);
}
