/**
 * @file What every model family provides. One file per Hugging Face `model_type` builds such an object from config.json.
 *
 * A model is data (weights and linears under their Hugging Face names) and pure functions over a step context; it knows nothing
 * of adapters, optimizers or files. Renames of weights happen in `sanitizeName` of the model's own file and nowhere else.
 */
import type { TokenBatch } from '../nn/batch.ts';
import type { Linear } from '../nn/linear.ts';
import type { StepContext } from '../nn/step-context.ts';
import type { WeightSpec } from '../nn/weight-spec.ts';
import type { Tensor } from '../ops/tensor.ts';

/** A table made on the host that the step gets as an input: rotary cosines and sines. */
export interface HostTable {
  readonly values: Float32Array<ArrayBuffer>;
  /** [positions, width] */
  readonly shape: readonly [number, number];
}

export interface ModelFacts {
  readonly modelType: string;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediateSize: number;
  readonly maxPositions: number;
  readonly tiedEmbeddings: boolean;
  /** Row of the token table that learns nothing when it is looked up; null = none. */
  readonly paddingRow: number | null;
  /** Encoder-decoders: how many of the layers are the decoder's. */
  readonly decoderLayers?: number;
}

/** Which tensors the files hold: some configurations leave open what a family has. */
export interface TensorNames {
  has(name: string): boolean;
}

export interface Model {
  readonly facts: ModelFacts;
  /** Every tensor the model needs. */
  readonly weights: readonly WeightSpec[];
  /** Every linear, in the order of the network; the language-model head is not among them unless it is its own matrix. */
  readonly linears: readonly Linear[];
  /** Linears that `all-linear` leaves out (PEFT: the output head). */
  readonly outputLinears: readonly Linear[];
  /** Linears that are never quantized beside those: transformers keeps T5's `wo` as it is. */
  readonly keptWhole?: readonly Linear[];
  /** PEFT's default target modules for this model_type. */
  readonly defaultTargets: readonly string[];
  /** Our name of a tensor in the file, null where the model ignores it. */
  sanitizeName(name: string): string | null;
  /** True where `hostTables` differs with `seq` (dynamic rotary scalings). */
  readonly tablesDependOnLength: boolean;
  /**
   * Length beyond which keys in a cache that was filled below it no longer hold, and it must be filled anew (the second set of rotary
   * factors of longrope); null = keys hold whatever comes after them.
   */
  readonly cacheLimit: number | null;
  /** Tables for a run whose longest sequence has `seq` tokens. */
  hostTables(positions: number, seq: number): Readonly<Record<string, HostTable>>;
}

/** What reads tokens in one pass and gives each a state. */
export interface TokenModel extends Model {
  /** Final hidden states after the last norm, [tokens, hidden], compute dtype; of an encoder-decoder at the decoder's tokens. */
  forward(ctx: StepContext, tokens: TokenBatch): Tensor;
}

/** A head that scores every word of the vocabulary. */
interface WordScores {
  /** [n, hidden] -> [n, vocab], compute dtype. */
  head(ctx: StepContext, hidden: Tensor): Tensor;
  /** Trainable leaves that `head` uses. */
  headLeaves(ctx: StepContext): Tensor[];
}

/** Decoder-only language models. */
export interface CausalModel extends TokenModel, WordScores {
  readonly kind: 'causal';
}

/** Reads a source with one stack of blocks and writes an answer with another. */
export interface EncoderDecoderModel extends TokenModel, WordScores {
  readonly kind: 'encoder-decoder';
  /** Token that every answer begins with. */
  readonly decoderStartTokenId: number;
}

/** What writes text. */
export type LanguageModel = CausalModel | EncoderDecoderModel;

/** Encoders that fill in masked words. */
export interface MaskedModel extends TokenModel, WordScores {
  readonly kind: 'masked';
  /** Weights of the head, which files of an encoder alone lack. */
  readonly headWeights: readonly string[];
}

/** An encoder or a decoder with a classification head in place of the words'. */
export interface ClassifierModel extends TokenModel {
  readonly kind: 'classifier';
  /** Scores of a row: classes, or the one number of a regression. */
  readonly labels: number;
  /** Whose state is classified: the first token's (encoders), or the last one's that is no padding (decoders). */
  readonly reads: 'first' | 'last';
  /** Modules that are trained whole beside an adapter, as PEFT does. */
  readonly headModules: readonly string[];
  /** Weights that a base model's files may lack. */
  readonly freshWeights: readonly string[];
  /** [rows, hidden] -> [rows, labels], compute dtype. */
  classify(ctx: StepContext, states: Tensor): Tensor;
}

/** An encoder that has no head yet. */
export interface Encoder {
  readonly kind: 'encoder';
  readonly facts: ModelFacts;
  withWordHead(): MaskedModel;
  withClassHead(labels: number): ClassifierModel;
}

/** Every kind of model; `kind` says which task it is for. */
export type AnyModel = LanguageModel | MaskedModel | ClassifierModel;
