/**
 * @file A home as after years of use: thousands of runs, the newest of them with a hundred thousand steps.
 */
import path from 'node:path';
import { closeDatabase, inTransaction, openDatabase, type WritableDb } from '../../../src-main/store/database.ts';
import { insertEvaluation, insertMetric } from '../../../src-main/store/metrics.ts';
import { insertRun, setRunTags } from '../../../src-main/store/runs.ts';

export const RUNS = 5_000;
export const LONG_STEPS = 100_000;
export const LONG_RUN = 'the-long-one';
const SHORT_STEPS = 100;
const DAY_MS = 86_400_000;
/** As long as a resolved configuration is. */
const CONFIG_JSON = JSON.stringify({ filler: 'x'.repeat(3_000) });

/** Writes `<home>/history.sqlite`. */
export function fillHome(home: string): void {
  const db = openDatabase(path.join(home, 'history.sqlite'));
  inTransaction(db, () => {
    for (let index = 1; index < RUNS; index++) {
      addRun(db, home, { id: `run-${String(index).padStart(5, '0')}`, index, steps: SHORT_STEPS });
    }
    addRun(db, home, { id: LONG_RUN, index: RUNS, steps: LONG_STEPS });
  });
  closeDatabase(db);
}

function addRun(
  db: WritableDb,
  home: string,
  { id, index, steps }: { readonly id: string; readonly index: number; readonly steps: number },
): void {
  const at = Date.now() - (RUNS - index + 1) * DAY_MS * 0.1;
  insertRun(db, {
    id,
    name: `Letters, try ${index}`,
    dir: path.join(home, 'runs', id),
    state: index % 7 === 0 ? 'stopped' : 'finished',
    created_at: at,
    started_at: at,
    ended_at: at + steps * 130,
    task_type: 'CAUSAL_LM',
    model_path: '/models/small',
    model_name: 'small',
    method: 'LORA',
    method_summary: 'LoRA r=8',
    data_summary: `letters-${index % 40}.jsonl`,
    config_json: CONFIG_JSON,
    total_steps: steps,
    step: steps,
    elapsed_ms: steps * 130,
    final_loss: lossAt(steps),
    best_eval_loss: lossAt(steps) * 1.1,
    best_step: steps,
  });
  for (let step = 1; step <= steps; step++) insertMetric(db, id, metricAt(step));
  for (let step = steps / 20; step <= steps; step += steps / 20) {
    const figures = { eval_loss: lossAt(step) * 1.1, perplexity: 3, best: step === steps, metrics: {} };
    insertEvaluation(db, id, { step, ...figures });
  }
  if (index % 50 === 0) setRunTags(db, id, ['kept', `series ${index % 10}`]);
}

function lossAt(step: number): number {
  return 3 / Math.sqrt(step) + 0.2 + 0.1 * Math.sin(step * 12.9898);
}

function metricAt(step: number) {
  return {
    step,
    loss: lossAt(step),
    learning_rate: 2e-4 * Math.min(1, step / 1000),
    grad_norm: 0.5 + 0.3 * Math.sin(step),
    tokens_per_second: 1234.5 + 100 * Math.cos(step),
    tokens: step * 512,
    memory_bytes: 3e9 + step * 100,
    epoch: step / 1e4,
    elapsed_ms: step * 130.5,
  };
}
