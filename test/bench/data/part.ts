/**
 * @file The part `data`: how long training takes to the same evaluation loss on the sample task, whose rows have real lengths.
 */
import path from 'node:path';
import { REPO_ROOT } from '../../../scripts/setup/paths.mjs';
import { packRows } from '../../../src-main/engine/data/packing.ts';
import type { BenchOptions } from '../options.ts';
import { prepareAdapter, prepareFiles } from '../prepare.ts';
import { lastBody, type Surroundings } from '../surroundings.ts';
import { DATA_ARMS, type DataArm, type Task } from './arms.ts';
import type { DataFigures, DataResult } from './report.ts';
import { SAMPLE_MODEL, type TokenFiles, writeTokenRows } from './token-rows.ts';

interface Workload {
  readonly model: string;
  /** What our defaults choose for a model of this width; constant on both sides. */
  readonly learningRate: number;
  readonly epochs: number;
  readonly rounds: number;
}

/** About eight minutes on two cores. */
const PLAN: readonly Workload[] = [
  { model: 'sample', learningRate: 1.6e-3, epochs: 3, rounds: 2 },
  { model: '15M', learningRate: 1.4e-3, epochs: 2, rounds: 1 },
];
/** Packed rows that our defaults take for this many rows. */
const PACKED_BATCH = 2;
const MAX_LENGTH = 512;
/** Evaluations in an epoch. */
const EVALS = 5;
/** Largest difference of the first evaluation from PyTorch's in the same dtype. */
const START_TOLERANCE = { f32: 1e-4, bf16: 2e-2 };

export async function runData(
  surroundings: Surroundings,
  options: BenchOptions,
  publish: (key: string, figures: DataFigures) => Promise<void>,
): Promise<void> {
  const files = await writeTokenRows(surroundings.folder);
  const { model, rounds, quick, arms } = options;
  for (const workload of PLAN.filter(({ model: name }) => (model ?? name) === name)) {
    const chosen = {
      ...workload,
      rounds: rounds ?? (quick ? 1 : workload.rounds),
      epochs: quick ? 1 : workload.epochs,
    };
    const wanted = DATA_ARMS.filter(({ name }) => name.toLowerCase().includes(arms));
    await publish(`${workload.model}, sample task`, await runWorkload(surroundings, files, chosen, wanted));
  }
}

async function runWorkload(
  surroundings: Surroundings,
  files: TokenFiles,
  { model, learningRate, epochs, rounds }: Workload,
  arms: readonly DataArm[],
): Promise<DataFigures> {
  const { folder, python } = surroundings;
  const start =
    model === 'sample'
      ? { model: SAMPLE_MODEL, adapter: prepareAdapter(surroundings, 'sample', SAMPLE_MODEL) }
      : prepareFiles(surroundings, model, { count: 1, length: 8 });
  const rows = files.lengths.length;
  const batch = Math.round((PACKED_BATCH * rows) / countPacked(files));
  const updates = Math.ceil(rows / batch);
  const evalEvery = Math.max(1, Math.floor(updates / EVALS));
  const paths = { model: start.model, adapter: start.adapter };
  const task: Task = {
    folder,
    python,
    ...paths,
    files,
    learningRate,
    packedBatch: PACKED_BATCH,
    batch,
    epochs,
    evalEvery,
  };
  const results = arms.map((arm): DataResult => ({
    arm: arm.name,
    side: arm.side,
    dtype: arm.dtype,
    samples: [],
    void: null,
  }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, arm] of arms.entries()) {
      if (results[index]!.void !== null) continue;
      const what = `${model}, sample task, round ${round + 1} of ${rounds}: ${arm.name}`;
      results[index] = addSample(results[index]!, await measure(surroundings, task, arm, what));
    }
  }
  const checked = await checkStarts(surroundings, task, results);
  const tokens = files.lengths.reduce((sum, length) => sum + length, 0);
  return { model, rows, tokens, batch, packedBatch: PACKED_BATCH, learningRate, epochs, rounds, results: checked };
}

/** Rows that packing makes of all; the order changes it by one or two. */
function countPacked({ lengths }: TokenFiles): number {
  return packRows(
    lengths,
    lengths.map((_, index) => index),
    MAX_LENGTH,
  ).length;
}

async function measure(surroundings: Surroundings, task: Task, arm: DataArm, what: string) {
  const run = await surroundings.run(what, arm.command(task), arm.settings(task));
  const curve = arm.readCurve(run);
  if (typeof curve === 'string') return curve;
  const begun = run.events.find(({ body }) => body.event === (arm.side === 'ours' ? 'step' : 'start'));
  return {
    curve,
    wallSeconds: run.wallMs / 1000,
    startSeconds: (begun?.atMs ?? NaN) / 1000,
    peakBytes: run.treePeakBytes,
  };
}

function addSample(result: DataResult, sample: Awaited<ReturnType<typeof measure>>): DataResult {
  if (typeof sample === 'string') return { ...result, void: sample };
  return { ...result, samples: [...result.samples, sample] };
}

/** Our evaluation of the starting adapter must be PyTorch's: then the losses that the curves speak of are the same thing. */
async function checkStarts(
  surroundings: Surroundings,
  task: Task,
  results: readonly DataResult[],
): Promise<DataResult[]> {
  const found = new Map<string, number>();
  for (const dtype of new Set(results.filter(({ side }) => side === 'ours').map((result) => result.dtype))) {
    found.set(dtype, await evaluateStart(surroundings, task, dtype));
  }
  return results.map((result) => {
    const reference = results.find(({ side, dtype }) => side === 'theirs' && dtype === result.dtype);
    const theirs = reference?.samples[0]?.curve[0]?.loss;
    const ours = found.get(result.dtype);
    if (result.side === 'theirs' || result.void !== null || theirs === undefined || ours === undefined) return result;
    if (Math.abs(ours - theirs) <= START_TOLERANCE[result.dtype]) return { ...result, startLoss: ours };
    return { ...result, void: `the starting adapter's loss is ${ours}, PyTorch's ${theirs}` };
  });
}

async function evaluateStart(surroundings: Surroundings, task: Task, dtype: 'f32' | 'bf16'): Promise<number> {
  const script = path.join(REPO_ROOT, 'scripts/tunesmith.mjs');
  const weights = [
    '--model',
    task.model,
    '--adapter',
    task.adapter,
    '--quantization',
    dtype === 'f32' ? 'none' : 'bf16',
  ];
  const data = ['--data', task.files.eval, '--format', 'tokens', '--json'];
  const what = `starting adapter, ${dtype}`;
  const run = await surroundings.run(what, [process.execPath, script, 'evaluate', ...weights, ...data]);
  return Number(lastBody(run, what).eval_loss);
}
