/**
 * @file A run that is being set up: the configuration as the person has it so far, and what the screens need to know beside it. It is
 * stored as JSON after each change, so that closing the app loses nothing.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { JsonValue } from '../../../src-shared/domain/json.ts';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';

export const PRESETS = ['quick', 'balanced', 'thorough'] as const;
export type Preset = (typeof PRESETS)[number];

type Sections = Pick<RunConfig, 'quantization' | 'peft' | 'training'>;

/** What the model is to do; left out = found by model and data. */
export type TaskSettings = { readonly [Key in 'task_type' | 'problem_type' | 'labels']?: RunConfig[Key] };

export interface DraftConfig extends Sections, TaskSettings {
  readonly name: string;
  readonly model: { readonly path: string } | null;
  readonly data: Partial<RunConfig['data']> & { readonly train: readonly string[] };
}

export interface Draft {
  readonly version: 1;
  readonly config: DraftConfig;
  /** What the training settings follow until one of them is set by hand. */
  readonly preset: Preset;
  /** Steps that were left by Next: what is in them was seen. */
  readonly seen: readonly string[];
}

export const EMPTY_DRAFT: Draft = {
  version: 1,
  config: { name: '', model: null, data: { train: [] }, quantization: {}, peft: {}, training: {} },
  preset: 'balanced',
  seen: [],
};

/** What another version stored is not guessed at. @returns null then */
export function readDraft(content: JsonValue): Draft | null {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return null;
  return (content as { version?: unknown }).version === EMPTY_DRAFT.version ? (content as unknown as Draft) : null;
}

/** @throws config/not-json */
export function parseConfigText(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // Said below, in words of ours.
  }
  throw new AppError('config/not-json', 'The file is not a configuration: it holds no JSON object', {
    hint: 'Choose a file that was saved by "Save the configuration as a file" or written for the command line.',
  });
}

/** A draft from a configuration that was saved or shared. */
export function draftFromConfig(config: RunConfig): Draft {
  const { name = '', ...rest } = config;
  return { ...EMPTY_DRAFT, config: { name, ...rest } };
}
