/**
 * @file A model's tokenizer: text to token ids and back, and conversations to text.
 *
 * A thin layer over @huggingface/tokenizers that adds what transformers does on top of tokenizer.json (see special-tokens.ts), so
 * that ids equal transformers'. It knows no model and no data format.
 */
import { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { renderChatTemplate, type ChatTurn, type RenderChatOptions } from './chat-template.ts';
import { correctParts, type LibraryParts } from './library-parts.ts';
import { completeTokenizerJson, namedSpecialTokens } from './special-tokens.ts';
import { isRecord, readTokenizerFiles, type TokenizerFiles } from './tokenizer-files.ts';

export interface EncodeOptions {
  /** Adds what the tokenizer puts around a text by itself (a first token, [CLS] and [SEP]). */
  readonly addSpecialTokens: boolean;
}

export interface DecodeOptions {
  readonly skipSpecialTokens: boolean;
}

export interface Tokenizer {
  /** Highest token id + 1, added tokens included; a model may have more rows. */
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  /** Every id that ends an answer: the tokenizer's own, generation_config.json's and config.json's. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | null;
  readonly unkTokenId: number | null;
  /** Ids that `addSpecialTokens` puts before and after a text. */
  readonly specialPrefix: Int32Array;
  readonly specialSuffix: Int32Array;
  /** Configured special tokens by name (`bos_token` -> `<s>`). */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** The model's default chat template, null where it has none. */
  readonly chatTemplate: string | null;
  encode(text: string, options: EncodeOptions): Int32Array;
  /** Ids outside the vocabulary give no text. */
  decode(ids: ArrayLike<number>, options: DecodeOptions): string;
  tokenToId(token: string): number | null;
  idToToken(id: number): string | null;
  /** Never text of its own, left out by `skipSpecialTokens`. */
  isSpecial(id: number): boolean;
  /** Matched as a whole before the text is split; special tokens are, others can be. */
  isAdded(id: number): boolean;
  /** @throws chat-template/missing, chat-template/syntax, chat-template/refused */
  renderChat(messages: readonly ChatTurn[], options?: RenderChatOptions): string;
}

/**
 * Loads the tokenizer of a Hugging Face model folder.
 * @throws tokenizer/missing, tokenizer/corrupt, tokenizer/unreadable, tokenizer/unsupported
 */
export async function loadTokenizer(modelDir: string): Promise<Tokenizer> {
  return createTokenizer(await readTokenizerFiles(modelDir));
}

/** Builds a tokenizer from files that were already read. @throws tokenizer/unsupported */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const library = buildLibraryTokenizer(files);
  const named = namedSpecialTokens(files);
  const specialIds = new Set<number>();
  const added = library.get_added_tokens_decoder();
  let vocabSize = 0;
  for (const id of library.get_vocab().values()) vocabSize = Math.max(vocabSize, id + 1);
  for (const [id, token] of added) {
    if (token.special) specialIds.add(id);
  }
  const idOf = (token: string | undefined): number | null =>
    token === undefined ? null : (library.token_to_id(token) ?? null);
  const encode = (text: string, { addSpecialTokens }: EncodeOptions): Int32Array =>
    encodeText(library, text, addSpecialTokens);
  const cleanUp = cleansUpSpaces(files);
  const chatTemplate = files.chatTemplates.get('default') ?? null;
  const eosTokenId = idOf(named.eos_token);
  return {
    vocabSize,
    bosTokenId: idOf(named.bos_token),
    eosTokenId: eosTokenId ?? stopIds(files)[0] ?? null,
    eosTokenIds: [...new Set([...(eosTokenId === null ? [] : [eosTokenId]), ...stopIds(files)])],
    padTokenId: idOf(named.pad_token),
    unkTokenId: idOf(named.unk_token),
    ...findSurroundings(library),
    specialTokens: named,
    chatTemplate,
    encode,
    decode: (ids, { skipSpecialTokens }) => {
      const known = Array.from(ids).filter((id) => library.id_to_token(id) !== undefined);
      if (known.length === 0) return '';
      return library.decode(known, { skip_special_tokens: skipSpecialTokens, clean_up_tokenization_spaces: cleanUp });
    },
    tokenToId: (token) => idOf(token),
    idToToken: (id) => library.id_to_token(id) ?? null,
    isSpecial: (id) => specialIds.has(id),
    isAdded: (id) => added.has(id),
    renderChat: (messages, options = {}) =>
      renderChatTemplate(chooseTemplate(files, options), messages, named, options),
  };
}

function buildLibraryTokenizer(files: TokenizerFiles): HfTokenizer {
  try {
    if (!isRecord(files.tokenizer['model'])) throw new Error('it has no "model"');
    const tokenizer = {
      normalizer: null,
      pre_tokenizer: null,
      decoder: null,
      ...completeTokenizerJson(files),
    };
    const library = new HfTokenizer(tokenizer, files.config);
    correctParts(library as unknown as LibraryParts, tokenizer);
    return library;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('tokenizer/unsupported', `The tokenizer.json in ${files.dir} cannot be used: ${reason}`, {
      cause: error,
      hint: 'Copy tokenizer.json again, or convert the tokenizer with transformers’ save_pretrained.',
    });
  }
}

function encodeText(library: HfTokenizer, text: string, addSpecialTokens: boolean): Int32Array {
  const { ids } = library.encode(text, { add_special_tokens: addSpecialTokens });
  const missing = (ids as (number | undefined)[]).indexOf(undefined);
  if (missing >= 0) {
    throw new AppError(
      'tokenizer/no-unknown-token',
      'the text has characters that the tokenizer does not know, and it has no token for the unknown',
      { hint: 'Remove these characters, or choose a model whose tokenizer covers them.' },
    );
  }
  return Int32Array.from(ids);
}

/** transformers never cleans up after BPE: there it would eat real spaces. */
function cleansUpSpaces({ config, tokenizer }: TokenizerFiles): boolean {
  const model = tokenizer['model'];
  return config['clean_up_tokenization_spaces'] === true && !(isRecord(model) && model['type'] === 'BPE');
}

function stopIds({ generationConfig, modelConfig }: TokenizerFiles): number[] {
  return [generationConfig['eos_token_id'], modelConfig['eos_token_id']]
    .flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter((id): id is number => typeof id === 'number' && Number.isInteger(id) && id >= 0);
}

/** Which ids the post-processor puts around a text, seen on a probe. */
function findSurroundings(library: HfTokenizer): { specialPrefix: Int32Array; specialSuffix: Int32Array } {
  const bare = library.encode('a', { add_special_tokens: false }).ids;
  const full = library.encode('a', { add_special_tokens: true }).ids;
  for (let start = 0; start + bare.length <= full.length; start++) {
    if (bare.every((id, index) => full[start + index] === id)) {
      return {
        specialPrefix: Int32Array.from(full.slice(0, start)),
        specialSuffix: Int32Array.from(full.slice(start + bare.length)),
      };
    }
  }
  return { specialPrefix: new Int32Array(0), specialSuffix: new Int32Array(0) };
}

function chooseTemplate(files: TokenizerFiles, options: RenderChatOptions): string {
  if (options.template !== null && options.template !== undefined) return options.template;
  const forTools = (options.tools?.length ?? 0) > 0 ? files.chatTemplates.get('tool_use') : undefined;
  const template = forTools ?? files.chatTemplates.get('default');
  if (template !== undefined) return template;
  const others = [...files.chatTemplates.keys()];
  throw new AppError(
    'chat-template/missing',
    others.length > 0
      ? `The model in ${files.dir} has no default chat template, only: ${others.join(', ')}`
      : `The model in ${files.dir} has no chat template`,
    { hint: 'Set data.template to a Jinja chat template, or choose the instruction-tuned variant of the model.' },
  );
}
