/**
 * @file The tokenizer that rows are read with; rows of token ids do without one.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { DataConfig } from '../../../src-shared/schema/run-config.ts';
import { createIdTokenizer } from '../tokenizer/id-tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { OpenModel } from './open-model.ts';

/** @throws tokenizer/missing … */
export async function openTokenizer(
  { format }: Pick<DataConfig, 'format'>,
  { model, folder, tokenizer }: OpenModel,
): Promise<Tokenizer> {
  try {
    return await tokenizer();
  } catch (error) {
    const isMissing = error instanceof AppError && error.code === 'tokenizer/missing';
    if (format !== 'tokens' || !isMissing) throw error;
    return createIdTokenizer(model.facts.vocabSize, folder.config);
  }
}
