/**
 * @file A text as an encoder or a classifier reads it: with the tokenizer's special tokens around it, cut to what the model reads.
 */
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

export interface SurroundOptions {
  readonly tokenizer: Tokenizer;
  readonly maxLength: number;
}

export interface SurroundedText {
  /** At most `maxLength`. */
  readonly ids: Int32Array;
  /** Tokens before truncation. */
  readonly fullLength: number;
}

/** Truncation takes from the text, not from the special tokens. */
export function surround(text: string, { tokenizer, maxLength }: SurroundOptions): SurroundedText {
  const whole = tokenizer.encode(text, { addSpecialTokens: true });
  if (whole.length <= maxLength) return { ids: whole, fullLength: whole.length };
  const suffix = tokenizer.specialSuffix;
  const head = whole.slice(0, Math.max(0, maxLength - suffix.length));
  return { ids: Int32Array.from([...head, ...suffix]).slice(0, maxLength), fullLength: whole.length };
}

/** The ids alone. */
export function cutText(tokenizer: Tokenizer, text: string, maxLength: number): Int32Array {
  return surround(text, { tokenizer, maxLength }).ids;
}
