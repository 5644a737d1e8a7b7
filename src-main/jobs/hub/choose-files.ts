/**
 * @file Which files of a model are downloaded: configuration, safetensors, tokenizer, chat template. Nothing that can run code, no other
 * formats, no second copies of the weights.
 */
import type { Fault } from '../../../src-shared/domain/app-error.ts';
import type { HubFile } from '../../../src-shared/domain/hub.ts';

export const CONFIG_FILE = 'config.json';
export const SINGLE_WEIGHTS = 'model.safetensors';
export const WEIGHTS_INDEX = 'model.safetensors.index.json';

/** Beside the weights; those that are there. */
const COMPANIONS = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'tokenizer.model',
  'spiece.model',
  'sentencepiece.bpe.model',
  'chat_template.jinja',
  'chat_template.json',
];
const PICKLES = /\.(bin|pt|pth|ckpt|pkl|pickle)$/;

export interface ChosenFiles {
  readonly files: readonly HubFile[];
  /** Why these files are no model that can be used; empty where they are. */
  readonly faults: readonly Fault[];
}

/**
 * @param listed all files of the model's own folder
 * @param shards files that the weights' index names; null where there is no index, or a single file serves
 */
export function chooseFiles(listed: readonly HubFile[], shards: readonly string[] | null): ChosenFiles {
  const byName = new Map(listed.map((file) => [file.name, file]));
  const has = (name: string) => byName.has(name);
  const faults: Fault[] = [];
  if (!has(CONFIG_FILE)) faults.push(explainNoConfig([...byName.keys()]));
  if (!has('tokenizer.json')) faults.push(explainNoTokenizer(has));
  const weights = chooseWeights(has, shards);
  if (weights === null) faults.push(explainNoWeights([...byName.keys()]));
  const missing = (weights ?? []).filter((name) => !has(name));
  faults.push(...missing.map((name) => ({ file: name, message: `${WEIGHTS_INDEX} names it, but it is not there` })));
  const names = [CONFIG_FILE, ...COMPANIONS, ...(weights ?? [])];
  return { files: names.flatMap((name) => byName.get(name) ?? []), faults };
}

/** Shards of an index's text, plain file names alone. @returns null where it is no such index */
export function readShardNames(text: string): string[] | null {
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch {
    return null;
  }
  const { weight_map } = (index ?? {}) as { weight_map?: unknown };
  if (typeof weight_map !== 'object' || weight_map === null) return null;
  const names: unknown[] = [...new Set(Object.values(weight_map))];
  const areShards = names.every((name) => typeof name === 'string' && /^[\w.-]+\.safetensors$/.test(name));
  return areShards && names.length > 0 ? (names as string[]).sort() : null;
}

function chooseWeights(has: (name: string) => boolean, shards: readonly string[] | null): string[] | null {
  if (has(SINGLE_WEIGHTS)) return [SINGLE_WEIGHTS];
  return has(WEIGHTS_INDEX) && shards !== null ? [WEIGHTS_INDEX, ...shards] : null;
}

function explainNoConfig(names: readonly string[]): Fault {
  if (names.includes('adapter_config.json')) {
    return {
      file: 'adapter_config.json',
      message: 'this is an adapter, not a model; get the model that it was made for',
    };
  }
  return { file: CONFIG_FILE, message: 'is not there' };
}

function explainNoTokenizer(has: (name: string) => boolean): Fault {
  const other = ['tokenizer.model', 'spiece.model', 'sentencepiece.bpe.model'].find(has);
  if (other === undefined) return { file: 'tokenizer.json', message: 'is not there' };
  const hint = 'choose a copy of the model that has tokenizer.json';
  return { file: 'tokenizer.json', message: `is not there, only ${other}, which Tunesmith cannot read`, hint };
}

/** What is there instead of safetensors. */
export function explainNoWeights(names: readonly string[]): Fault {
  const find = (pattern: RegExp) => names.find((name) => pattern.test(name));
  const pickled = find(PICKLES);
  if (pickled !== undefined) {
    return {
      file: pickled,
      message: 'the weights are pickle files alone, which can run any code when they are opened, so they are not taken',
      hint: 'choose a copy of the model with safetensors; many makers have one under another name or revision',
    };
  }
  const gguf = find(/\.gguf$/);
  if (gguf !== undefined) {
    return {
      file: gguf,
      message: 'GGUF files are for running a model, not for training it',
      hint: 'choose the original model',
    };
  }
  const other = find(/\.(h5|msgpack|onnx|tflite|npz|mlmodel)$/);
  return { file: other ?? SINGLE_WEIGHTS, message: `there is no ${SINGLE_WEIGHTS} and no ${WEIGHTS_INDEX}` };
}
