/**
 * @file A model, a data report and a machine as core would tell of them.
 */
import type { DataReport, Finding } from '../../../src-shared/domain/data-report.ts';
import type { EngineStatus } from '../../../src-shared/domain/machine.ts';
import type { ModelDetails } from '../../../src-shared/domain/models.ts';
import type { RunSummary } from '../../../src-shared/domain/run-views.ts';

export const MODEL_PATH = '/models/smol';

/** The shape of a Llama model with 135 million parameters. */
export function makeModel(changes: Partial<ModelDetails> = {}): ModelDetails {
  const layers = Array.from({ length: 30 }, (_, layer) => layer);
  const linear = (name: string, in_features: number, out_features: number) => ({
    name,
    in_features,
    out_features,
    layers,
  });
  return {
    path: MODEL_PATH,
    name: 'smol',
    model_type: 'llama',
    supported: true,
    task_types: ['CAUSAL_LM', 'SEQ_CLS'],
    answers_as: 'CAUSAL_LM',
    size_bytes: 269e6,
    parameters: 134_515_008,
    dtype: 'BF16',
    context_tokens: 2048,
    licence: 'apache-2.0',
    vocab_size: 49_152,
    hidden_size: 576,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    has_chat_template: true,
    linears: [
      linear('q_proj', 576, 576),
      linear('k_proj', 576, 192),
      linear('v_proj', 576, 192),
      linear('o_proj', 576, 576),
      linear('gate_proj', 576, 1536),
      linear('up_proj', 576, 1536),
      linear('down_proj', 1536, 576),
    ],
    faults: [],
    ...changes,
  };
}

const NOTHING: Finding = { count: 0, examples: [] };

export function makeReport(changes: Partial<DataReport> = {}): DataReport {
  return {
    files: [
      {
        path: '/data/rows.csv',
        role: 'train',
        type: 'csv',
        encoding: 'utf-8',
        size_bytes: 40_000,
        rows: 400,
        bad_rows: 0,
        columns: ['question', 'answer'],
        format: 'prompt_completion',
        column_mapping: { prompt: 'question', completion: 'answer' },
        reason: 'the columns fit',
        considered: [],
      },
    ],
    rows: 400,
    bad_rows: 0,
    faults: [],
    fault_count: 0,
    fault_counts: {},
    notices: [],
    duplicates: NOTHING,
    overlap: NOTHING,
    empty: NOTHING,
    role_order: NOTHING,
    truncated: NOTHING,
    labels_cut_off: NOTHING,
    labels: null,
    tokens: {
      total: 40_000,
      supervised: 12_000,
      length_of: 'row',
      longest: 240,
      mean: 100,
      histogram: [
        { from: 0, to: 128, rows: 300 },
        { from: 128, to: 256, rows: 100 },
        { from: 256, to: null, rows: 0 },
      ],
      rows_with_stop_token: 400,
    },
    samples: [],
    ...changes,
  };
}

export function makeEngine(availableBytes = 20e9): EngineStatus {
  return {
    runtime: { kind: 'cpu', state: 'ready', version: '2.21.0', dir: null, detail: '' },
    device: { kind: 'cpu', name: 'a processor' },
    threads: 2,
    cpu: { model: 'a processor', cores: 2, features: null },
    gpus: [],
    memory: { totalBytes: 24e9, availableBytes, limitBytes: null, weightCacheBytes: 1e9, weightCacheSource: 'free' },
    homeDisk: { folder: '/home/ada/tunesmith', freeBytes: 100e9 },
    cacheDisk: { folder: '/home/ada/.cache', freeBytes: 100e9 },
    node: '24.0.0',
  };
}

export function makeRun(id: string, changes: Partial<RunSummary> = {}): RunSummary {
  return {
    id,
    name: `Run ${id}`,
    dir: `/home/ada/tunesmith/runs/${id}`,
    state: 'finished',
    created_at: 1_000,
    started_at: 2_000,
    ended_at: 9_000,
    task_type: 'CAUSAL_LM',
    model_path: MODEL_PATH,
    model_name: 'smol',
    method: 'LORA',
    method_summary: 'LoRA r=8',
    quantization: 'bf16',
    data_summary: 'rows.csv',
    engine: 'TensorFlow',
    device: 'cpu',
    total_steps: 100,
    step: 100,
    epoch: 2,
    tokens: 50_000,
    trainable_parameters: 1_000,
    total_parameters: 100_000,
    train_rows: 360,
    eval_rows: 40,
    supervised_tokens: 12_000,
    final_loss: 1,
    eval_loss: 1.2,
    best_eval_loss: 1.1,
    best_step: 80,
    elapsed_ms: 10_000,
    predicted_memory_bytes: null,
    peak_memory_bytes: null,
    adapter_dir: null,
    error_code: null,
    error_message: null,
    error_hint: null,
    tags: [],
    trashed_at: null,
    has_notes: false,
    sparkline: [],
    ...changes,
  };
}
