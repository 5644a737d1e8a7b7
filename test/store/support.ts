/** @file A history in memory with one run in it. */
import { openDatabase, type WritableDb } from '../../src-main/store/database.ts';
import { insertRun, type NewRun } from '../../src-main/store/runs.ts';

export function newRun(changes: Partial<NewRun> = {}): NewRun {
  return {
    id: 'r1',
    name: 'First',
    dir: '/runs/r1',
    state: 'running',
    created_at: 1_000,
    task_type: 'CAUSAL_LM',
    model_path: '/models/m',
    model_name: 'm',
    method: 'LORA',
    method_summary: 'LoRA r=8',
    data_summary: 'rows.jsonl',
    config_json: '{}',
    ...changes,
  };
}

export function openHistory(...runs: Partial<NewRun>[]): WritableDb {
  const db = openDatabase(':memory:');
  for (const run of runs.length > 0 ? runs : [{}]) insertRun(db, newRun(run));
  return db;
}
