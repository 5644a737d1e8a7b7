/**
 * @file Pre-training of the sample model with our own full fine-tuning: its files, its settings, its command, and how the result comes
 * into the repository.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { openSafetensors, writeSafetensors, type TensorToWrite } from '../../src-main/engine/formats/safetensors.ts';
import { decodeFloats, encodeFloats, isFloatFileDType } from '../../src-main/engine/formats/tensor-data.ts';
import type { StepEvent, TrainResultEvent } from '../../src-shared/domain/run-events.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import { REPO_ROOT } from '../setup/paths.mjs';
import { renderRows } from './corpus/corpus.ts';
import { writeInitialModel } from './initial-weights.ts';
import type { SampleResources } from './resources.ts';

/** What pre-training works with, in a folder that is not part of the repository. */
export interface Workplace {
  readonly configFile: string;
  readonly runDir: string;
}

/** Some 5.6 million tokens in 2,750 steps of at most 2,048. */
const TRAINING = {
  num_train_epochs: 2,
  per_device_train_batch_size: 8,
  gradient_accumulation_steps: 1,
  learning_rate: 2e-3,
  lr_scheduler_type: 'cosine',
  warmup_steps: 100,
  optim: 'adamw',
  adam_beta2: 0.95,
  weight_decay: 0.01,
  max_grad_norm: 1,
  logging_steps: 20,
  save_minutes: 5,
  save_total_limit: 1,
  load_best_model_at_end: false,
  seed: 42,
} as const satisfies RunConfig['training'];

/** Settings of the run; paths as given. */
export function describeRun(modelDir: string, dataFiles: readonly string[]): RunConfig {
  return {
    name: 'Sample model',
    task_type: 'CAUSAL_LM',
    model: { path: modelDir },
    data: {
      train: [...dataFiles],
      eval_fraction: 0.01,
      format: 'auto',
      max_length: 256,
      packing: true,
      // Of a conversation only the answers are trained: they copy from the message, and copying is what has to be learned.
      completion_only_loss: true,
    },
    quantization: { method: 'bf16' },
    peft: { peft_type: 'NONE' },
    training: TRAINING,
  };
}

/**
 * Writes corpus, random weights and settings, in place of earlier ones.
 * @throws where the folder already has a run: its checkpoints cost half an hour
 */
export async function prepareWorkplace(
  dir: string,
  { corpus }: SampleResources,
  modelFiles: string,
): Promise<Workplace> {
  const [modelDir, runDir] = [path.join(dir, 'initial'), path.join(dir, 'run')];
  if (existsSync(runDir)) throw new Error(`${runDir} is there already: resume it, publish its model, or remove it`);
  await rm(modelDir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const files = { 'conversations.jsonl': corpus.conversations, 'texts.jsonl': corpus.texts };
  for (const [name, rows] of Object.entries(files)) await writeFile(path.join(dir, name), renderRows(rows));
  await writeInitialModel(modelDir, modelFiles);
  const config = describeRun(
    modelDir,
    Object.keys(files).map((name) => path.join(dir, name)),
  );
  const configFile = path.join(dir, 'config.json');
  await writeFile(configFile, `${JSON.stringify(config, null, 2)}\n`);
  return { configFile, runDir };
}

/** Arguments of scripts/tunesmith.mjs that start the run. */
export function trainArguments({ configFile, runDir }: Workplace): string[] {
  return ['train', '--config', configFile, '--output', runDir, '--json'];
}

export interface TrainedModel {
  readonly result: TrainResultEvent;
  /** One line a step event: step,loss,learning_rate,tokens,tokens_per_second. */
  readonly log: string;
}

/** Runs the training to its end; progress goes to the terminal. @throws where the command fails */
export async function trainModel(workplace: Workplace): Promise<TrainedModel> {
  const script = path.join(REPO_ROOT, 'scripts', 'tunesmith.mjs');
  const child = spawn(process.execPath, [script, ...trainArguments(workplace)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  const log = ['step,loss,learning_rate,tokens,tokens_per_second'];
  let result: TrainResultEvent | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as StepEvent | TrainResultEvent | { readonly event: 'other' };
    if (event.event === 'result') result = event;
    if (event.event !== 'step') continue;
    log.push([event.step, event.loss, event.learning_rate, event.tokens, Math.round(event.tokens_per_second)].join());
    process.stderr.write(`step ${event.step}: loss ${event.loss.toFixed(4)}\n`);
  }
  const code = await ended;
  if (code !== 0 || result === null) throw new Error(`the training ended with exit code ${code} and without a result`);
  return { result, log: `${log.join('\n')}\n` };
}

/** Copies trained weights as bf16. @param from model.safetensors of a run @param to file to write */
export async function publishWeights(from: string, to: string): Promise<void> {
  const file = await openSafetensors(from);
  try {
    const tensors = [...file.entries()].map(([name, { dtype, shape }]): TensorToWrite => {
      if (!isFloatFileDType(dtype)) throw new Error(`${from}: ${name} is ${dtype}, not a float tensor`);
      const data = async () => encodeFloats(decodeFloats(await file.read(name), dtype), 'BF16');
      return { name, dtype: 'BF16', shape, data };
    });
    await writeSafetensors(to, tensors);
  } finally {
    await file.close();
  }
}
