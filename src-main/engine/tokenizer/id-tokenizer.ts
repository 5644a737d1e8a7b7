/**
 * @file A tokenizer for models that come without one: token ids are shown as numbers, and text cannot be read.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import { renderChatTemplate } from './chat-template.ts';
import type { Tokenizer } from './tokenizer.ts';

/** @param config config.json, for the ids of its special tokens */
export function createIdTokenizer(vocabSize: number, config: Readonly<Record<string, unknown>>): Tokenizer {
  const idsOf = (key: string): number[] =>
    [config[key]].flat().filter((id): id is number => typeof id === 'number' && id >= 0 && id < vocabSize);
  const eosTokenIds = idsOf('eos_token_id');
  return {
    vocabSize,
    bosTokenId: idsOf('bos_token_id')[0] ?? null,
    eosTokenId: eosTokenIds[0] ?? null,
    eosTokenIds,
    padTokenId: idsOf('pad_token_id')[0] ?? null,
    unkTokenId: null,
    specialPrefix: new Int32Array(),
    specialSuffix: new Int32Array(),
    specialTokens: {},
    chatTemplate: null,
    encode: () => {
      throw new AppError('tokenizer/missing', 'The model has no tokenizer, so text cannot be read', {
        hint: 'Give token ids, or put tokenizer.json into the model folder.',
      });
    },
    decode: (ids) => Array.from(ids).join(' '),
    tokenToId: () => null,
    idToToken: (id) => (id < vocabSize ? String(id) : null),
    isSpecial: () => false,
    isAdded: () => false,
    renderChat: (messages, options = {}) => renderChatTemplate(options.template ?? '', messages, {}, options),
  };
}
