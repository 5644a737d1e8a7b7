/**
 * @file SentencePiece's own normalization (`Precompiled` in tokenizer.json; T5, ALBERT, XLM-R): a table of text -> text, looked up as transformers
 * does it. The tokenizer library has an approximation by Unicode's NFKC in its place, which differs where emoji are joined, accents stand
 * apart from their letters, and in models with a table of their own.
 *
 * The table is a trie in a double array over UTF-8, then the replacements, each ended by a zero byte. A character with all its marks is looked up
 * first, where it is short; else each of its code points. What begins with an entry takes the entry's replacement for the whole, as
 * Hugging Face's code does.
 * Source: Yata 2008 (darts-clone) for the array, Hugging Face's spm_precompiled for the order of look-ups.
 */

/** Longer ones are looked up code point by code point. */
const MOST_BYTES = 5;
const MOST_REMEMBERED = 4096;
/** From an ASCII character before the first other one up to where two ASCII characters follow each other: what marks can join. */
const BEYOND_ASCII = /(?:\r\n|\p{ASCII})?\P{ASCII}[^]*?(?:(?<=\p{ASCII})(?<!\r)(?=\p{ASCII})|$)/gu;

/** @param charsmap base64, as in tokenizer.json @throws Error where it is cut off */
export function makeCharsmapNormalizer(charsmap: string): (text: string) => string {
  const bytes = Buffer.from(charsmap, 'base64');
  const trieBytes = bytes.length < 4 ? NaN : bytes.readUInt32LE(0);
  if (!(trieBytes >= 4 && 4 + trieBytes <= bytes.length)) throw new Error('its precompiled_charsmap is cut off');
  const trie = Uint32Array.from({ length: trieBytes / 4 }, (_, index) => bytes.readUInt32LE(4 + index * 4));
  const replacements = bytes.subarray(4 + trieBytes);
  const lookUp = (text: string): string | null => {
    const start = firstMatch(trie, Buffer.from(text, 'utf8'));
    if (start === null) return null;
    const end = replacements.indexOf(0, start);
    return replacements.toString('utf8', start, end < 0 ? replacements.length : end);
  };
  return normalizerOver(lookUp);
}

function normalizerOver(lookUp: (text: string) => string | null): (text: string) => string {
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });
  const known = new Map<string, string>();
  const replace = (grapheme: string): string => {
    const found = known.get(grapheme);
    if (found !== undefined) return found;
    const whole = Buffer.byteLength(grapheme) <= MOST_BYTES ? lookUp(grapheme) : null;
    const made = whole ?? Array.from(grapheme, (char) => lookUp(char) ?? char).join('');
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(grapheme, made);
    return made;
  };
  const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
  const changed = new Set(ascii.filter((char) => replace(char) !== char));
  const changesAscii = (text: string): boolean => {
    for (const char of text) if (changed.has(char)) return true;
    return false;
  };
  const replaceAscii = (text: string): string =>
    changesAscii(text) ? text.replace(/\r\n|[^]/g, (grapheme) => replace(grapheme)) : text;
  return (text) => {
    let out = '';
    let done = 0;
    for (const { 0: part, index } of text.matchAll(BEYOND_ASCII)) {
      out += replaceAscii(text.slice(done, index));
      for (const { segment } of graphemes.segment(part)) out += replace(segment);
      done = index + part.length;
    }
    return out + replaceAscii(text.slice(done));
  };
}

/** Value of the shortest entry that the key begins with. */
function firstMatch(trie: Uint32Array, key: Uint8Array): number | null {
  let node = offsetOf(trie[0]!);
  for (const byte of key) {
    if (byte === 0) return null;
    node ^= byte;
    const unit = trie[node];
    if (unit === undefined || (unit & 0x8000_00ff) >>> 0 !== byte) return null;
    node ^= offsetOf(unit);
    if ((unit >>> 8) & 1) return trie[node]! & 0x7fff_ffff;
  }
  return null;
}

const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
