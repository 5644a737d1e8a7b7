/**
 * @file The whole way in two minutes: the sample model fails a task, learns it from the sample data, and the exported adapter is
 * loaded again and gives the same answers. On the wasm engine with fewer steps and fewer held-out rows, to end in about the same time.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseRunConfig } from '../../src-shared/schema/run-config.ts';
import { makeNotice } from '../../src-shared/domain/notices.ts';
import type { EvaluatedAnswer, EvaluateResult } from '../engine/recipes/contract.ts';
import type { TimedEvent } from '../jobs/event-log.ts';
import type { Services } from './create-services.ts';
import { RESOURCES_FOLDER } from './model-service.ts';
import type { Notice } from './notice.ts';
import type { ActiveRun } from './run-follower.ts';
import type { StartRunOptions } from './run-service.ts';
import { locateRuntime } from './runtime-locator.ts';

export type DemoStage = 'before' | 'train' | 'after' | 'export' | 'verify';

export interface DemoOptions extends Pick<StartRunOptions, 'onWait'> {
  readonly signal: AbortSignal;
  /** What is otherwise than usual. */
  readonly onNotice: (notice: Notice) => void;
  readonly onStage: (stage: DemoStage) => void;
  readonly onEvent: (event: TimedEvent) => void;
  /** A stage's answers to the held-out rows. */
  readonly onAnswers: (stage: 'before' | 'after', answers: readonly EvaluatedAnswer[], exactMatch: number) => void;
  readonly onRun: (run: ActiveRun) => void;
}

export interface DemoResult {
  /** Share of held-out rows answered exactly, 0 to 1. */
  readonly exact_match_before: number;
  readonly exact_match_after: number;
  readonly seconds: number;
  readonly run_dir: string;
  readonly adapter_dir: string;
  /** The adapter in PEFT's format. */
  readonly export_dir: string;
  /** True if the exported adapter, loaded anew, answered every row as the trained one did. */
  readonly export_verified: boolean;
}

const MAX_NEW_TOKENS = 96;
/** Held-out rows that are answered on the wasm engine. */
const FEW_ROWS = 60;
/** Fewer than half the steps; without packing, as wasm computes the attention between the rows of a packed batch too. */
const SHORT_RUN = {
  data: { packing: false },
  training: { num_train_epochs: 2, per_device_train_batch_size: 16, learning_rate: 0.004 },
};

/** @throws what the jobs throw */
export async function runDemo(services: Services, options: DemoOptions): Promise<DemoResult> {
  const started = performance.now();
  const { onStage, onAnswers, onEvent, onWait, signal } = options;
  const modelDir = path.join(RESOURCES_FOLDER, 'sample-model');
  const data = path.join(RESOURCES_FOLDER, 'sample-data');
  const isShort = (await locateRuntime()) === null;
  if (isShort) {
    const message = `Without TensorFlow the demo takes fewer steps and answers ${FEW_ROWS} held-out rows.`;
    options.onNotice(makeNotice('demo/short', {}, message));
  }
  const heldOut = isShort ? await takeFewRows(data, services.home) : path.join(data, 'test.jsonl');
  const evaluate = (adapterDir: string | null) => evaluateAnswers(services, modelDir, adapterDir, heldOut, options);

  onStage('before');
  const before = await evaluate(null);
  onAnswers('before', before.answers, exactMatch(before));

  onStage('train');
  const files = { train: path.join(data, 'train.jsonl'), eval: heldOut };
  const short = isShort ? SHORT_RUN : { data: {}, training: {} };
  const config = parseRunConfig({
    name: 'Demo',
    model: { path: modelDir },
    data: { ...files, ...short.data },
    training: short.training,
  });
  const run = await services.runs.start({ config, signal, onEvent, onWait });
  options.onRun(run);
  const { adapter_dir } = await run.result;

  onStage('after');
  const after = await evaluate(adapter_dir);
  onAnswers('after', after.answers, exactMatch(after));

  onStage('export');
  const exported = { modelDir, adapterDir: adapter_dir, format: 'peft' as const };
  const outputDir = path.join(services.home, 'exports', run.id);
  const { dir: export_dir } = await services.exports.export({ ...exported, outputDir }, { signal, onEvent });

  onStage('verify');
  const reloaded = await evaluate(export_dir);
  return {
    exact_match_before: exactMatch(before),
    exact_match_after: exactMatch(after),
    seconds: Math.round((performance.now() - started) / 100) / 10,
    run_dir: run.dir,
    adapter_dir,
    export_dir,
    export_verified: after.answers.every(({ answer }, row) => answer === reloaded.answers[row]?.answer),
  };
}

/** The first held-out rows as a file of their own. @returns its path */
async function takeFewRows(data: string, home: string): Promise<string> {
  const folder = path.join(home, 'demo');
  const lines = (await readFile(path.join(data, 'test.jsonl'), 'utf8')).split('\n');
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, 'held-out.jsonl');
  await writeFile(file, `${lines.slice(0, FEW_ROWS).join('\n')}\n`);
  return file;
}

async function evaluateAnswers(
  services: Services,
  modelDir: string,
  adapterDir: string | null,
  file: string,
  { signal, onEvent }: DemoOptions,
): Promise<EvaluateResult> {
  const data = {
    paths: [file],
    format: 'auto' as const,
    columns: {},
    template: null,
    max_length: null,
    completion_only_loss: true,
  };
  const request = {
    modelDir,
    adapterDir,
    data,
    metrics: ['exact_match' as const],
    batchSize: null,
    maxNewTokens: MAX_NEW_TOKENS,
  };
  return services.inference.evaluate(request, { signal, onEvent });
}

function exactMatch({ metrics }: EvaluateResult): number {
  const value = metrics.exact_match;
  if (value === undefined) throw new Error('internal: the evaluation gave no exact_match');
  return value;
}
