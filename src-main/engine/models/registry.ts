/**
 * @file model_type -> the function that builds it.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { makeBert } from './bert.ts';
import type { RawConfig } from './config-reader.ts';
import { makeDistilBert } from './distilbert.ts';
import { makeFalcon } from './falcon.ts';
import { makeGemma2 } from './gemma2.ts';
import { makeGemma3Text } from './gemma3-text.ts';
import { makeGptNeox } from './gpt-neox.ts';
import { makeGpt2 } from './gpt2.ts';
import { classifyLastToken } from './last-token-classifier.ts';
import { makeLlama } from './llama.ts';
import { makeMistral } from './mistral.ts';
import type { AnyModel, CausalModel, Encoder, EncoderDecoderModel, LanguageModel, TensorNames } from './model.ts';
import { makeOlmo2 } from './olmo2.ts';
import { makePhi } from './phi.ts';
import { makePhi3 } from './phi3.ts';
import { makeQwen2 } from './qwen2.ts';
import { makeQwen3 } from './qwen3.ts';
import { makeRoberta } from './roberta.ts';
import { makeSmolLm3 } from './smollm3.ts';
import { makeStarcoder2 } from './starcoder2.ts';
import { makeT5 } from './t5.ts';

const DECODERS: Readonly<Record<string, (config: RawConfig) => CausalModel>> = {
  falcon: makeFalcon,
  gemma2: makeGemma2,
  gemma3_text: makeGemma3Text,
  gpt_neox: makeGptNeox,
  gpt2: makeGpt2,
  llama: makeLlama,
  mistral: makeMistral,
  olmo2: makeOlmo2,
  phi: makePhi,
  phi3: makePhi3,
  qwen2: makeQwen2,
  qwen3: makeQwen3,
  smollm3: makeSmolLm3,
  starcoder2: makeStarcoder2,
};

const ENCODERS: Readonly<Record<string, (config: RawConfig) => Encoder>> = {
  bert: makeBert,
  distilbert: makeDistilBert,
  roberta: makeRoberta,
};

const ENCODER_DECODERS: Readonly<Record<string, (config: RawConfig, tensors: TensorNames) => EncoderDecoderModel>> = {
  t5: makeT5,
};

type Architecture = LanguageModel | Encoder;

const FAMILIES: Readonly<Record<string, (config: RawConfig, tensors: TensorNames) => Architecture>> = {
  ...DECODERS,
  ...ENCODERS,
  ...ENCODER_DECODERS,
};

/** Where the files are not known: they hold whatever a model of the family may have. */
const EVERY_TENSOR: TensorNames = { has: () => true };

/** Names in old files of what is a family of its own today. */
const OLD_NAMES: Readonly<Record<string, string>> = { RefinedWeb: 'falcon', RefinedWebModel: 'falcon' };

export const MODEL_TYPES: readonly string[] = Object.keys(FAMILIES);
export const DECODER_TYPES: readonly string[] = Object.keys(DECODERS);
export const ENCODER_DECODER_TYPES: readonly string[] = Object.keys(ENCODER_DECODERS);
export const ENCODER_TYPES: readonly string[] = Object.keys(ENCODERS);

/**
 * Builds the model that config.json describes, with a head for words or for classes.
 * @param labels scores of a classification head; null = words
 * @param tensors what the files hold
 * @throws model/unknown-type, model/bad-config
 */
export function makeModel(config: RawConfig, labels: number | null = null, tensors = EVERY_TENSOR): AnyModel {
  const made = makeArchitecture(config, tensors);
  if (made.kind === 'encoder') return labels === null ? made.withWordHead() : made.withClassHead(labels);
  if (labels === null) return made;
  if (made.kind === 'causal') return classifyLastToken(made, labels);
  const message = 'name a classification head, which encoder-decoders do not have here';
  throw new AppError('model/bad-config', `config.json: architectures ${message}`, {
    hint: 'Give the model that writes text, and rows of format classification: the class is then written.',
    faults: [{ file: 'config.json', field: 'architectures', message }],
  });
}

/** The same without a choice of the head. @throws model/unknown-type, model/bad-config */
export function makeArchitecture(config: RawConfig, tensors = EVERY_TENSOR): Architecture {
  const type = config['model_type'];
  const make = typeof type === 'string' ? FAMILIES[OLD_NAMES[type] ?? type] : undefined;
  if (make) return make(config, tensors);
  throw new AppError('model/unknown-type', `config.json: model_type ${JSON.stringify(type)} is not supported`, {
    hint: `Supported are ${MODEL_TYPES.join(', ')}.`,
    faults: [{ file: 'config.json', field: 'model_type', message: `${JSON.stringify(type)} is not supported` }],
  });
}

export function isWriter(model: AnyModel): model is LanguageModel {
  return model.kind === 'causal' || model.kind === 'encoder-decoder';
}

/** A model that writes text. @throws Error internal, where it is of another kind */
export function requireWriter(model: AnyModel): LanguageModel {
  if (isWriter(model)) return model;
  throw new Error(`internal: a ${model.facts.modelType} model with this head writes no text`);
}
