/**
 * @file What data preparation hands to training: token ids with labels, and every fault found on the way.
 */
import type { DataFault, DataNotice } from '../../../src-shared/domain/data-report.ts';
import type { EvaluatedTask } from '../../../src-shared/domain/evaluation.ts';

export type { DataFault, DataNotice };

/** Label of a token that is not trained (Hugging Face's and PyTorch's convention). */
export const IGNORED_LABEL = -100;

/** What rows are made ready for; masked words are only evaluated. */
export type DataTask = EvaluatedTask;

/** Where a row came from. */
export interface RowSource {
  /** Path as the user gave it. */
  readonly file: string;
  /** 1-based line (text formats, JSON arrays: where the element begins) or row (tables). */
  readonly line: number;
  /** JSON arrays: 1-based position of the element, as a line may hold many. */
  readonly row?: number;
}

/** One training example of a language model. */
export interface TokenizedExample {
  /** Token ids, special tokens included. */
  readonly inputIds: Int32Array;
  /**
   * Same length; the token's own id where it is trained (not shifted), else IGNORED_LABEL. The first is always IGNORED_LABEL:
   * nothing stands before it to predict it from.
   */
  readonly labels: Int32Array;
  /** Class id, class ids (multi label, 0/1 per class) or a number (regression); null for language modelling. */
  readonly target: number | readonly number[] | null;
  /**
   * Encoder-decoder models: ids of the answer the decoder is trained on, ending with the stop token, without a start token; null
   * otherwise. `inputIds` is then the encoder's input and `labels` is IGNORED_LABEL throughout.
   */
  readonly decoderIds: Int32Array | null;
  readonly source: RowSource;
}

/** One row of a file: column name -> value (text in CSV, any JSON value elsewhere). */
export type Row = Readonly<Record<string, unknown>>;

/** What reading a file gives, in the order of the file. */
export type RowItem =
  | { readonly kind: 'row'; readonly row: Row; readonly source: RowSource }
  | { readonly kind: 'fault'; readonly fault: DataFault }
  | { readonly kind: 'notice'; readonly notice: DataNotice };

/** An example's tokens, and what truncation did to it. */
export interface TokenizeResult {
  readonly tokenized: TokenizedExample;
  /** All tokens before truncation, of an encoder-decoder's row source and answer together. */
  readonly allTokens: number;
  /** What `maxLength` is held against: the same, but of an encoder-decoder's row the longer of the two, which are cut by themselves. */
  readonly fullLength: number;
  /** Tokens that are trained: with a label, or of the decoder; 1 for a classifier's target. */
  readonly supervised: number;
  /** Trained tokens that truncation took away. */
  readonly supervisedCut: number;
}
