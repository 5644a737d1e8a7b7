/**
 * @file The sample task as rows of token ids and labels, written once for both sides: made by our own data preparation with the
 * sample model's tokenizer and chat template, only answers labelled.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../../scripts/setup/paths.mjs';
import { prepareData } from '../../../src-main/engine/data/prepare.ts';
import type { TokenizedExample } from '../../../src-main/engine/data/types.ts';
import { openModel } from '../../../src-main/engine/recipes/open-model.ts';

export const SAMPLE_MODEL = path.join(REPO_ROOT, 'resources/sample-model');
const SAMPLE_DATA = path.join(REPO_ROOT, 'resources/sample-data');
const MAX_LENGTH = 512;

export interface TokenFiles {
  readonly train: string;
  readonly eval: string;
  /** Tokens of each training row. */
  readonly lengths: readonly number[];
}

export async function writeTokenRows(folder: string): Promise<TokenFiles> {
  const { model, folder: files, tokenizer } = await openModel(SAMPLE_MODEL);
  try {
    const data = await prepareData({
      data: {
        train: [path.join(SAMPLE_DATA, 'train.jsonl')],
        eval: [path.join(SAMPLE_DATA, 'test.jsonl')],
        eval_fraction: 0,
        format: 'messages',
        columns: {},
        template: null,
        max_length: MAX_LENGTH,
        completion_only_loss: true,
      },
      taskType: 'CAUSAL_LM',
      tokenizer: await tokenizer(),
      vocabSize: model.facts.vocabSize,
      seed: 0,
      now: new Date(0),
    });
    const written = { train: path.join(folder, 'train-rows.jsonl'), eval: path.join(folder, 'eval-rows.jsonl') };
    writeFileSync(written.train, data.train.map(toLine).join(''));
    writeFileSync(written.eval, data.eval.map(toLine).join(''));
    return { ...written, lengths: data.train.map(({ inputIds }) => inputIds.length) };
  } finally {
    await files.close();
  }
}

function toLine({ inputIds, labels }: TokenizedExample): string {
  return `${JSON.stringify({ input_ids: [...inputIds], labels: [...labels] })}\n`;
}
