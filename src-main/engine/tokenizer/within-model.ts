/**
 * @file A tokenizer beside the model that reads its tokens. One with more tokens than the model has rows is no fault as long as nobody
 * writes them (many models got a token for padding that they have no row for); a token that the model cannot look up is one.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { Tokenizer } from './tokenizer.ts';

/**
 * @param rows of the model's token table
 * @returns a tokenizer that gives only tokens the model has; the given one where it has no others
 * @throws tokenizer/beyond-model where every text would have one, and from `encode` where a text has one
 */
export function keepWithinModel(tokenizer: Tokenizer, rows: number): Tokenizer {
  if (tokenizer.vocabSize <= rows) return tokenizer;
  const orNull = (id: number | null): number | null => (id !== null && id < rows ? id : null);
  const requireKnown = (ids: Int32Array): Int32Array => {
    const unknown = ids.find((id) => id >= rows);
    if (unknown !== undefined) throw beyondModel(tokenizer, unknown, rows);
    return ids;
  };
  requireKnown(tokenizer.specialPrefix);
  requireKnown(tokenizer.specialSuffix);
  return {
    ...tokenizer,
    bosTokenId: orNull(tokenizer.bosTokenId),
    eosTokenId: orNull(tokenizer.eosTokenId),
    eosTokenIds: tokenizer.eosTokenIds.filter((id) => id < rows),
    padTokenId: orNull(tokenizer.padTokenId),
    unkTokenId: orNull(tokenizer.unkTokenId),
    encode: (text, options) => requireKnown(tokenizer.encode(text, options)),
  };
}

function beyondModel(tokenizer: Tokenizer, id: number, rows: number): AppError {
  const token = JSON.stringify(tokenizer.idToToken(id));
  const message = `the tokenizer makes token ${id} (${token}), but the model has only the tokens 0 to ${rows - 1}`;
  return new AppError('tokenizer/beyond-model', message, {
    hint: 'The tokenizer belongs to another model: get tokenizer.json and config.json from the place that the weights are from.',
  });
}
