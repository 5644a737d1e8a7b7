/**
 * @file Parts of the tokenizer library's tokenizers that do something else than transformers' do, and what stands in for them.
 */
import { makeCharsmapNormalizer } from './charsmap.ts';
import { isRecord, type UnknownRecord } from './tokenizer-files.ts';
import { makeUnigramEncoder } from './unigram.ts';

/** What is replaced, of much more. */
export interface LibraryParts {
  normalizer: Normalizer | null;
  model: { encode: (words: readonly string[]) => string[]; fuse_unk: boolean };
  readonly decoder: (ByteReader & { readonly decoders?: readonly ByteReader[] }) | null;
}

/** Called like a function and by its method. */
type Normalizer = ((text: string) => string) & {
  normalize(text: string): string;
  /** Of a sequence. */
  readonly normalizers?: Normalizer[];
};

interface ByteReader {
  text_decoder?: InstanceType<typeof TextDecoder>;
}

/** @param json tokenizer.json, with null where it says nothing @throws Error where a table in it is damaged */
export function correctParts(library: LibraryParts, json: UnknownRecord): void {
  useCharsmaps(library, json['normalizer']);
  useUnigram(library, json['model']);
  keepByteOrderMarks(library);
}

/** Puts the tables that tokenizer.json holds in the place of an approximation, alone or in a sequence. */
function useCharsmaps(library: LibraryParts, json: unknown): void {
  if (!isRecord(json)) return;
  library.normalizer = charsmapNormalizer(json) ?? library.normalizer;
  const parts = library.normalizer?.normalizers;
  if (!Array.isArray(json['normalizers']) || parts === undefined) return;
  for (const [index, part] of (json['normalizers'] as unknown[]).entries()) {
    const made = isRecord(part) ? charsmapNormalizer(part) : null;
    if (made !== null) parts[index] = made;
  }
}

function charsmapNormalizer({ type, precompiled_charsmap: charsmap }: UnknownRecord): Normalizer | null {
  if (type !== 'Precompiled' || typeof charsmap !== 'string' || charsmap === '') return null;
  const normalize = makeCharsmapNormalizer(charsmap);
  return Object.assign((text: string) => normalize(text), { normalize });
}

/** Our own search for the best pieces; it joins unknown characters by itself, which the library would do beyond words. */
function useUnigram({ model }: LibraryParts, json: unknown): void {
  if (!isRecord(json) || json['type'] !== 'Unigram') return;
  const vocab = json['vocab'] as [string, number][];
  model.encode = makeUnigramEncoder({ vocab, byteFallback: json['byte_fallback'] === true });
  model.fuse_unk = false;
}

/** Bytes that make up U+FEFF are text like all others; the library's decoder of single bytes would drop them. */
function keepByteOrderMarks({ decoder }: LibraryParts): void {
  for (const part of [decoder, ...(decoder?.decoders ?? [])]) {
    if (part?.text_decoder) part.text_decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  }
}
