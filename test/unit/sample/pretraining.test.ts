import type { CorpusRow } from '../../../scripts/sample/corpus/row.ts';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  prepareWorkplace,
  publishWeights,
  trainArguments,
  type Workplace,
} from '../../../scripts/sample/pretraining.ts';
import { makeSampleResources } from '../../../scripts/sample/resources.ts';
import { prepareData } from '../../../src-main/engine/data/prepare.ts';
import { openModelFolder } from '../../../src-main/engine/formats/model-folder.ts';
import { loadTokenizer } from '../../../src-main/engine/tokenizer/tokenizer.ts';
import { parseRunConfig, type RunConfig } from '../../../src-shared/schema/run-config.ts';

const MODEL_FILES = path.resolve(import.meta.dirname, '../../../resources/sample-model');

let dir: string;
let workplace: Workplace;
let config: RunConfig;
let conversations: readonly CorpusRow[];
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'tunesmith-sample-'));
  const resources = makeSampleResources();
  conversations = resources.corpus.conversations.slice(0, 300);
  const corpus = { conversations, texts: resources.corpus.texts.slice(0, 100) };
  workplace = await prepareWorkplace(path.join(dir, 'work'), { ...resources, corpus }, MODEL_FILES);
  config = parseRunConfig(JSON.parse(await readFile(workplace.configFile, 'utf8')));
});
afterAll(() => rm(dir, { recursive: true }));

describe('pre-training', () => {
  it('starts from seeded random weights of the right shape', async () => {
    const folder = await openModelFolder(config.model.path);
    const table = await folder.readFloat32('model.embed_tokens.weight');
    const norm = await folder.readFloat32('model.norm.weight');
    await folder.close();
    expect(folder.totalBytes / 4).toBe(4_951_296);
    expect(folder.names()).toHaveLength(6 * 9 + 2);
    const mean = table.reduce((sum, value) => sum + value, 0) / table.length;
    const deviation = Math.sqrt(table.reduce((sum, value) => sum + (value - mean) ** 2, 0) / table.length);
    expect(Math.abs(mean)).toBeLessThan(1e-4);
    expect(deviation).toBeCloseTo(0.02, 4);
    expect(new Set(norm)).toEqual(new Set([1]));
  });

  it('trains texts whole and of conversations the answers, and no row is too long', async () => {
    const tokenizer = await loadTokenizer(config.model.path);
    const prepared = await prepareData({
      data: { columns: {}, template: null, eval: null, eval_fraction: 0, format: 'auto', ...needed(config) },
      taskType: 'CAUSAL_LM',
      tokenizer,
      vocabSize: 2048,
      seed: 1,
      now: new Date(0),
    });
    expect(prepared.report.files.map(({ format, rows }) => [format, rows])).toEqual([
      ['messages', 300],
      ['text', 100],
    ]);
    expect(prepared.report.labels_cut_off.count).toBe(0);
    const trained = prepared.train.map(({ labels }) => labels.filter((label) => label >= 0));
    const texts = prepared.train.slice(300);
    expect(trained.slice(300).map((ids) => ids.length)).toEqual(texts.map(({ inputIds }) => inputIds.length - 1));
    const spoken = trained.slice(0, 300).map((ids) => tokenizer.decode(ids, { skipSpecialTokens: false }));
    expect(spoken).toEqual(conversations.map(answersOf));
  });

  it('is started by the command line', () => {
    const { configFile, runDir } = workplace;
    expect(trainArguments(workplace)).toEqual(['train', '--config', configFile, '--output', runDir, '--json']);
  });

  it('does not write over a run', async () => {
    const place = path.join(dir, 'used');
    await mkdir(path.join(place, 'run'), { recursive: true });
    await expect(prepareWorkplace(place, makeSampleResources(), MODEL_FILES)).rejects.toThrow('is there already');
  });

  it('publishes the weights in bf16', async () => {
    const target = path.join(dir, 'model.safetensors');
    await publishWeights(path.join(config.model.path, 'model.safetensors'), target);
    const bytes = await readFile(target);
    expect(bytes.length).toBeGreaterThan(2 * 4_951_296);
    expect(bytes.length).toBeLessThan(16e6);
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString('utf8'));
    expect(header['model.embed_tokens.weight']).toMatchObject({ dtype: 'BF16', shape: [2048, 256] });
  });
});

/** What the assistant says, each answer with the token that ends it. */
function answersOf(row: CorpusRow): string {
  const turns = 'messages' in row ? row.messages : [];
  const answers = turns.filter(({ role }) => role === 'assistant');
  return answers.map(({ content }) => `${content}<|im_end|>`).join('');
}

function needed({ data }: RunConfig) {
  return { train: data.train, max_length: data.max_length!, completion_only_loss: data.completion_only_loss! };
}
