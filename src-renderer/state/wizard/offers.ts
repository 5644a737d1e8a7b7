/**
 * @file What the engine offers now. What it has not yet is not shown; when it comes, its name is added here.
 */
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';

export const PRECISIONS = ['none', 'bf16'] as const;
export type Precision = (typeof PRECISIONS)[number];

export const ADAPTERS = ['lora', 'rslora', 'dora'] as const;
export type Adapter = (typeof ADAPTERS)[number];

/** Bytes of one number of a frozen matrix. */
export const BYTES_PER_NUMBER: Readonly<Record<Precision, number>> = { none: 4, bf16: 2 };

export function adapterOf({ use_dora, use_rslora }: RunConfig['peft']): Adapter {
  return use_dora ? 'dora' : use_rslora ? 'rslora' : 'lora';
}

export function settingsOf(adapter: Adapter): Pick<RunConfig['peft'], 'use_dora' | 'use_rslora'> {
  return { use_dora: adapter === 'dora', use_rslora: adapter === 'rslora' };
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
];

export const FILE_TYPES = ['.csv', '.tsv', '.json', '.jsonl', '.parquet', '.xlsx', '.txt'] as const;
