/**
 * @file Trains a byte-level BPE tokenizer: the most frequent neighbours become one token, again and again (Sennrich et al. 2016, on
 * the bytes of GPT-2). Words are split as the tokenizer will split them: digits one by one, then GPT-2's pattern.
 */

export interface BpeVocabulary {
  /** Token (in GPT-2's printable stand-ins for bytes) -> id; special tokens first, then the bytes, then the merges. */
  readonly vocab: Readonly<Record<string, number>>;
  /** In the order in which they are applied. */
  readonly merges: readonly (readonly [left: string, right: string])[];
}

export interface TrainBpeOptions {
  readonly texts: Iterable<string>;
  /** Special tokens, bytes and merges together. */
  readonly vocabSize: number;
  readonly specialTokens: readonly string[];
}

interface Word {
  symbols: string[];
  readonly count: number;
}

const GPT2_PATTERN = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Ties go to the pair that comes first in code-point order, so that the result depends on the texts alone. */
export function trainBpe({ texts, vocabSize, specialTokens }: TrainBpeOptions): BpeVocabulary {
  const alphabet = byteAlphabet();
  const words = countWords(texts, alphabet);
  const merges: [string, string][] = [];
  while (specialTokens.length + alphabet.length + merges.length < vocabSize) {
    const best = mostFrequentPair(words);
    if (best === null)
      throw new Error(`internal: the texts have too few words for ${vocabSize} tokens, only ${merges.length}`);
    merges.push(best);
    for (const word of words) word.symbols = mergePair(word.symbols, best);
  }
  const tokens = [...specialTokens, ...alphabet, ...merges.map(([left, right]) => left + right)];
  return { vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges };
}

function countWords(texts: Iterable<string>, alphabet: readonly string[]): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const [piece] of text.matchAll(/\p{N}|[^\p{N}]+/gu)) {
      for (const [word] of piece.matchAll(GPT2_PATTERN)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  const encoder = new TextEncoder();
  return [...counts].map(([word, count]) => ({
    symbols: Array.from(encoder.encode(word), (byte) => alphabet[byte]!),
    count,
  }));
}

function mostFrequentPair(words: readonly Word[]): [string, string] | null {
  const counts = new Map<string, number>();
  for (const { symbols, count } of words) {
    for (let at = 1; at < symbols.length; at++) {
      const pair = `${symbols[at - 1]!} ${symbols[at]!}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | null = null;
  let bestCount = 0;
  for (const [pair, count] of counts) {
    if (count > bestCount || (count === bestCount && pair < best!)) [best, bestCount] = [pair, count];
  }
  return best === null ? null : (best.split(' ') as [string, string]);
}

function mergePair(symbols: string[], [left, right]: readonly [string, string]): string[] {
  if (!symbols.includes(right)) return symbols;
  const merged: string[] = [];
  for (const symbol of symbols) {
    if (symbol === right && merged.at(-1) === left) merged[merged.length - 1] = left + right;
    else merged.push(symbol);
  }
  return merged;
}

/** GPT-2's printable stand-in for each byte: itself where it can be seen, else a character from 256 on. */
export function byteAlphabet(): string[] {
  const isVisible = (byte: number): boolean => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isVisible(byte) ? byte : next++));
}
