/**
 * @file Brings tokenizer.json in line with what the configuration files beside it say about special tokens.
 *
 * The reference library applies tokenizer_config.json on top of tokenizer.json: flags of added tokens are overridden, named special
 * tokens (bos, eos, pad, …) are made special even where tokenizer.json does not list them, and tokens unknown to the vocabulary get
 * the next free id. The same is done here, on the JSON, so that token ids agree. add_bos_token and add_eos_token change nothing:
 * where there is a tokenizer.json, its post-processor decides. Source of the rules: transformers 5.23, observed.
 */
import { isRecord, type TokenizerFiles, type UnknownRecord } from './tokenizer-files.ts';

/** Names under which a special token can be configured. */
export const SPECIAL_TOKEN_NAMES = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;
export type SpecialTokenName = (typeof SPECIAL_TOKEN_NAMES)[number];

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly single_word: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
}

/** Text of each configured special token, for instance `{bos_token: '<s>'}`; tokenizer_config.json wins. */
export function namedSpecialTokens(files: TokenizerFiles): Partial<Record<SpecialTokenName, string>> {
  const named: Partial<Record<SpecialTokenName, string>> = {};
  for (const name of SPECIAL_TOKEN_NAMES) {
    const configured = name in files.config ? files.config[name] : files.specialTokensMap[name];
    const content = contentOf(configured);
    if (content !== null) named[name] = content;
  }
  return named;
}

/** @returns tokenizer.json with all added tokens; `files.tokenizer` is not changed. */
export function completeTokenizerJson(files: TokenizerFiles): UnknownRecord {
  const vocabulary = readVocabulary(files.tokenizer);
  const added = new Map<string, AddedToken>();
  for (const entry of listOf(files.tokenizer['added_tokens'])) putToken(added, entry, null);
  const flags = files.config['added_tokens_decoder'];
  if (isRecord(flags)) {
    const entries = Object.entries(flags).sort(([a], [b]) => Number(a) - Number(b));
    for (const [id, entry] of entries) putToken(added, entry, Number(id));
  }
  for (const content of [...Object.values(namedSpecialTokens(files)), ...extraSpecialTokens(files)]) {
    makeSpecial(added, vocabulary, content);
  }
  const addedTokens = [...added.values()].sort((a, b) => a.id - b.id);
  return { ...files.tokenizer, added_tokens: addedTokens };
}

function putToken(added: Map<string, AddedToken>, entry: unknown, id: number | null): void {
  if (!isRecord(entry) || typeof entry['content'] !== 'string') return;
  const tokenId = id ?? entry['id'];
  if (typeof tokenId !== 'number' || !Number.isInteger(tokenId)) return;
  const special = entry['special'] === true;
  added.set(entry['content'], {
    id: added.get(entry['content'])?.id ?? tokenId,
    content: entry['content'],
    special,
    single_word: entry['single_word'] === true,
    lstrip: entry['lstrip'] === true,
    rstrip: entry['rstrip'] === true,
    normalized: typeof entry['normalized'] === 'boolean' ? entry['normalized'] : !special,
  });
}

function makeSpecial(added: Map<string, AddedToken>, vocabulary: ReadonlyMap<string, number>, content: string): void {
  const known = added.get(content);
  if (known?.special === true) return;
  if (known !== undefined) {
    added.set(content, { ...known, special: true });
    return;
  }
  const id = vocabulary.get(content) ?? nextFreeId(added, vocabulary);
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  added.set(content, { id, content, special: true, ...plain });
}

function nextFreeId(added: ReadonlyMap<string, AddedToken>, vocabulary: ReadonlyMap<string, number>): number {
  let next = vocabulary.size;
  for (const token of added.values()) next = Math.max(next, token.id + 1);
  return next;
}

function readVocabulary(tokenizer: UnknownRecord): Map<string, number> {
  const model = tokenizer['model'];
  const vocabulary = isRecord(model) ? model['vocab'] : null;
  if (isRecord(vocabulary)) return new Map(Object.entries(vocabulary) as [string, number][]);
  // Unigram: a list of [piece, log probability]; the position is the id.
  return new Map(listOf(vocabulary).map((entry, id) => [String(Array.isArray(entry) ? entry[0] : entry), id]));
}

function extraSpecialTokens(files: TokenizerFiles): string[] {
  const lists = [files.config, files.specialTokensMap].flatMap((source) => [
    ...listOf(source['additional_special_tokens']),
    ...listOf(source['extra_special_tokens']),
  ]);
  return lists.map(contentOf).filter((content) => content !== null);
}

function contentOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return isRecord(value) && typeof value['content'] === 'string' ? value['content'] : null;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}
