/**
 * @file Models to begin with, chosen by us: small enough for most machines, of families that the engine has, with what each is good for.
 * Sizes and licences are as their makers published them; a look at the model tells them anew before anything is downloaded.
 */

/** What a starter is good for; the words are the window's. */
export type StarterUse = 'first' | 'small' | 'allround' | 'languages' | 'strong' | 'code' | 'classify' | 'rewrite';

export interface StarterModel {
  readonly id: string;
  readonly model_type: string;
  readonly parameters: number;
  /** Of the weights. */
  readonly size_bytes: number;
  readonly licence: string;
  readonly gated: boolean;
  readonly use: StarterUse;
}

function starter(
  id: string,
  model_type: string,
  [parameters, size_bytes]: readonly [number, number],
  licence: string,
  use: StarterUse,
  gated = false,
): StarterModel {
  return { id, model_type, parameters, size_bytes, licence, gated, use };
}

/** From small to large. */
export const STARTER_MODELS: readonly StarterModel[] = [
  starter('HuggingFaceTB/SmolLM2-135M-Instruct', 'llama', [134.5e6, 269e6], 'apache-2.0', 'first'),
  starter('google/gemma-3-270m-it', 'gemma3_text', [268e6, 536e6], 'gemma', 'small', true),
  starter('HuggingFaceTB/SmolLM2-360M-Instruct', 'llama', [362e6, 724e6], 'apache-2.0', 'small'),
  starter('Qwen/Qwen2.5-0.5B-Instruct', 'qwen2', [494e6, 988e6], 'apache-2.0', 'languages'),
  starter('Qwen/Qwen2.5-Coder-0.5B-Instruct', 'qwen2', [494e6, 988e6], 'apache-2.0', 'code'),
  starter('Qwen/Qwen3-0.6B', 'qwen3', [752e6, 1.5e9], 'apache-2.0', 'languages'),
  starter('meta-llama/Llama-3.2-1B-Instruct', 'llama', [1.24e9, 2.47e9], 'llama3.2', 'allround', true),
  starter('allenai/OLMo-2-0425-1B-Instruct', 'olmo2', [1.48e9, 2.97e9], 'apache-2.0', 'allround'),
  starter('Qwen/Qwen2.5-1.5B-Instruct', 'qwen2', [1.54e9, 3.09e9], 'apache-2.0', 'languages'),
  starter('HuggingFaceTB/SmolLM2-1.7B-Instruct', 'llama', [1.71e9, 3.42e9], 'apache-2.0', 'allround'),
  starter('HuggingFaceTB/SmolLM3-3B', 'smollm3', [3.08e9, 6.15e9], 'apache-2.0', 'strong'),
  starter('microsoft/Phi-3-mini-4k-instruct', 'phi3', [3.82e9, 7.64e9], 'mit', 'strong'),
  starter('distilbert/distilbert-base-uncased', 'distilbert', [67e6, 268e6], 'apache-2.0', 'classify'),
  starter('google-bert/bert-base-uncased', 'bert', [110e6, 440e6], 'apache-2.0', 'classify'),
  starter('google/flan-t5-small', 't5', [77e6, 308e6], 'apache-2.0', 'rewrite'),
];
