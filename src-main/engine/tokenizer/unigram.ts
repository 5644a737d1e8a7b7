/**
 * @file Unigram: the split of a word into pieces with the largest sum of scores (Kudo 2018), in time and memory that grow with the word's
 * length.
 *
 * It stands in for the tokenizer library's own, which looks up ever longer texts where a word has many unknown characters and breaks off
 * at some hundred thousand pieces, as a long text without spaces has them. Ties go as in Hugging Face's tokenizers: the longer piece wins.
 */

interface Node {
  readonly next: Map<number, Node>;
  /** Of the piece that ends here; null = none does. */
  score: number | null;
}

/** Below the least likely piece. */
const UNKNOWN_PENALTY = 10;

export interface UnigramModel {
  /** Pieces with their scores (log probabilities), by id. */
  readonly vocab: readonly (readonly [piece: string, score: number])[];
  /** Unknown characters become their bytes, `<0xE6>` …, where the vocabulary has all of them. */
  readonly byteFallback: boolean;
}

/** @returns from words to their pieces; unknown characters that follow each other are one piece, as it stands in the text */
export function makeUnigramEncoder({ vocab, byteFallback }: UnigramModel): (words: readonly string[]) => string[] {
  const root: Node = { next: new Map(), score: null };
  let least = Infinity;
  for (const [piece, score] of vocab) {
    least = Math.min(least, score);
    if (piece !== '') insert(root, piece, score);
  }
  const unknown = least - UNKNOWN_PENALTY;
  const known = new Set(vocab.map(([piece]) => piece));
  const bytesOf = (piece: string): string[] | null => {
    if (!byteFallback) return null;
    const bytes = Array.from(Buffer.from(piece), (byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    return bytes.every((byte) => known.has(byte)) ? bytes : null;
  };
  return (words) => {
    const pieces: string[] = [];
    for (const word of words) {
      for (const piece of split(root, unknown, word)) {
        const bytes = known.has(piece) ? null : bytesOf(piece);
        if (bytes === null) pieces.push(piece);
        else pieces.push(...bytes);
      }
    }
    return pieces;
  };
}

function insert(root: Node, piece: string, score: number): void {
  let node = root;
  for (const char of piece) {
    const code = char.codePointAt(0)!;
    let next = node.next.get(code);
    if (!next) node.next.set(code, (next = { next: new Map(), score: null }));
    node = next;
  }
  node.score = score;
}

/** Best way to each place, from left to right (Viterbi). */
function split(root: Node, unknown: number, word: string): string[] {
  const chars = Array.from(word);
  const size = chars.length;
  const best = new Float64Array(size + 1).fill(-Infinity);
  /** Where the last piece of the best way begins; one less than its negative where that piece is unknown. */
  const from = new Int32Array(size + 1);
  best[0] = 0;
  for (let start = 0; start < size; start += 1) {
    let isKnown = false;
    let node = root.next.get(chars[start]!.codePointAt(0)!);
    for (let end = start + 1; node; end += 1) {
      if (node.score !== null) {
        if (end === start + 1) isKnown = true;
        if (best[start]! + node.score > best[end]!) [best[end], from[end]] = [best[start]! + node.score, start];
      }
      if (end === size) break;
      node = node.next.get(chars[end]!.codePointAt(0)!);
    }
    if (!isKnown && best[start]! + unknown > best[start + 1]!) {
      [best[start + 1], from[start + 1]] = [best[start]! + unknown, -1 - start];
    }
  }
  return piecesOf(chars, from);
}

function piecesOf(chars: readonly string[], from: Int32Array): string[] {
  const pieces: string[] = [];
  for (let end = chars.length; end > 0;) {
    let start = from[end]!;
    if (start < 0) {
      start = -1 - start;
      while (start > 0 && from[start]! < 0) start = -1 - from[start]!;
    }
    pieces.push(chars.slice(start, end).join(''));
    end = start;
  }
  return pieces.reverse();
}
