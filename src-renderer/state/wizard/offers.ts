/**
 * @file What the engine offers on this machine. What it has not is not shown; when it comes, its name is added here.
 */
import type { EngineStatus } from '../../../src-shared/domain/machine.ts';
import type { DataConfig, RunConfig, TaskType } from '../../../src-shared/schema/run-config.ts';

/** From large to small. */
export const PRECISIONS = ['none', 'bf16', 'int8', 'nf4'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** whole = full fine-tuning: no adapter, the model's own weights learn. */
export const ADAPTERS = ['lora', 'rslora', 'dora', 'quasi', 'whole'] as const;
export type Adapter = (typeof ADAPTERS)[number];

export function adapterOf({ peft_type, use_dora, use_rslora }: RunConfig['peft']): Adapter {
  if (peft_type === 'NONE') return 'whole';
  if (peft_type === 'QLORA') return 'quasi';
  return use_dora ? 'dora' : use_rslora ? 'rslora' : 'lora';
}

export function settingsOf(adapter: Adapter): Pick<RunConfig['peft'], 'peft_type' | 'use_dora' | 'use_rslora'> {
  return {
    peft_type: adapter === 'whole' ? 'NONE' : adapter === 'quasi' ? 'QLORA' : 'LORA',
    use_dora: adapter === 'dora',
    use_rslora: adapter === 'rslora',
  };
}

/** There is no TensorFlow: wasm computes. */
export const usesSmallEngine = ({ runtime }: Pick<EngineStatus, 'runtime'>): boolean =>
  runtime.kind === 'wasm' || runtime.state === 'missing';

/** The small engine (wasm) computes in 32 bits only; weights that learn cannot be quantized. */
export function offeredPrecisions(engine: EngineStatus | null, peft: RunConfig['peft']): readonly Precision[] {
  if (engine !== null && usesSmallEngine(engine)) return ['none'];
  return adapterOf(peft) === 'whole' ? PRECISIONS.filter((name) => name === 'none' || name === 'bf16') : PRECISIONS;
}

/**
 * Settings of the data that a kind of task leaves no choice about, whatever the draft says: a classifier reads each example by itself.
 * Models that write pack, encoder-decoders too.
 */
export function settledData(task: TaskType): Partial<Pick<DataConfig, 'packing'>> {
  return task === 'SEQ_CLS' ? { packing: false } : {};
}

export interface FormatOffer {
  readonly format: NonNullable<RunConfig['data']['format']>;
  /** What a column can be chosen for; empty where the rows name their own parts. */
  readonly fields: readonly { readonly name: string; readonly required: boolean }[];
}

const required = (name: string) => ({ name, required: true });
const optional = (name: string) => ({ name, required: false });

export const FORMATS: readonly FormatOffer[] = [
  { format: 'messages', fields: [required('messages')] },
  { format: 'sharegpt', fields: [required('conversations'), optional('system')] },
  { format: 'prompt_completion', fields: [required('prompt'), required('completion'), optional('system')] },
  { format: 'alpaca', fields: [required('instruction'), optional('input'), required('output'), optional('system')] },
  { format: 'text', fields: [required('text')] },
  { format: 'classification', fields: [required('text'), required('label')] },
];

export const FILE_TYPES = ['.csv', '.tsv', '.json', '.jsonl', '.parquet', '.xlsx', '.txt'] as const;
