/**
 * @file The part `ladder`: what each lever gives, on rows of real lengths.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../../scripts/setup/paths.mjs';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';
import { writeTokenRows } from '../data/token-rows.ts';
import type { BenchOptions } from '../options.ts';
import { prepareFiles } from '../prepare.ts';
import { lastWords, type Surroundings } from '../surroundings.ts';
import type { LadderFigures, RungResult } from './report.ts';
import type { RungSpec } from './rung-program.ts';
import { type Rung, RUNGS } from './rungs.ts';

const MODEL = '135M';
/** About what two packed rows of 512 hold of the sample task. */
const PADDED_ROWS = 18;
const PACKED_ROWS = 2;
const MAX_LENGTH = 512;

export async function runLadder(
  surroundings: Surroundings,
  options: BenchOptions,
  publish: (key: string, figures: LadderFigures) => Promise<void>,
): Promise<void> {
  const model = options.model ?? MODEL;
  const rungs = RUNGS.filter(({ name }) => name.toLowerCase().includes(options.arms));
  const files = prepareFiles(surroundings, model, { count: 1, length: 8 });
  const { folder } = surroundings;
  const answers = (await writeTokenRows(folder)).train;
  const rows = { answers, all: dropLabels(answers, path.join(folder, 'all-labels.jsonl')) };
  const results: RungResult[] = [];
  for (const rung of rungs) {
    const config = configOf(rung, files, rows[rung.settings.labels]);
    const steps = options.steps ?? (options.quick ? 1 : rung.steps);
    results.push(
      await climb(surroundings, rung, {
        bindingPath: surroundings.bindingPath,
        config,
        settings: rung.settings,
        steps,
      }),
    );
  }
  await publish(model, { model, paddedRows: PADDED_ROWS, packedRows: PACKED_ROWS, rungs: results });
}

/** The same rows with every token trained. */
function dropLabels(from: string, to: string): string {
  const lines = readFileSync(from, 'utf8').trim().split('\n');
  const rows = lines.map((line) => (JSON.parse(line) as { input_ids: number[] }).input_ids);
  writeFileSync(to, rows.map((ids) => `${JSON.stringify({ input_ids: ids })}\n`).join(''));
  return to;
}

function configOf({ settings }: Rung, files: { model: string; adapter: string }, rows: string): RunConfig {
  const { batches, storage, checkpointing } = settings;
  return {
    model: { path: files.model },
    data: {
      train: [rows],
      eval: null,
      eval_fraction: 0,
      format: 'tokens',
      max_length: MAX_LENGTH,
      packing: batches === 'packed',
      shuffle: batches !== 'file',
    },
    quantization: { method: storage, double_quant: true },
    peft: { peft_type: 'LORA', adapter_path: files.adapter },
    training: {
      per_device_train_batch_size: batches === 'packed' ? PACKED_ROWS : PADDED_ROWS,
      gradient_accumulation_steps: 1,
      learning_rate: 1e-3,
      gradient_checkpointing: checkpointing,
    },
  };
}

async function climb(surroundings: Surroundings, rung: Rung, spec: RungSpec): Promise<RungResult> {
  const { name, against, settings } = rung;
  const file = path.join(surroundings.folder, 'rung.json');
  writeFileSync(file, JSON.stringify(spec));
  const program = path.join(REPO_ROOT, 'test/bench/ladder/rung-program.ts');
  const run = await surroundings.run(`ladder: ${name}`, [process.execPath, program, file], { env: settings.env });
  if (run.code !== 0) return { name, against, fault: lastWords(run) };
  const sum = (field: string): number => run.events.reduce((total, { body }) => total + Number(body[field]), 0);
  return {
    name,
    against,
    tokensPerSecond: (1000 * sum('tokens')) / sum('ms'),
    labelsPerSecond: (1000 * sum('labels')) / sum('ms'),
    peakBytes: run.treePeakBytes,
    steps: run.events.length,
  };
}
