/**
 * @file A Llama model of some ten thousand random parameters with a byte-level tokenizer and a chat template: loads in no time and has
 * every part that a real one has.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { encodeFloats } from '../../../src-main/engine/formats/tensor-data.ts';
import { writeSafetensors } from '../../../src-main/engine/formats/safetensors.ts';
import { byteLevelTokenizer, CHAT_TEMPLATE } from '../../unit/engine/tokenizer/fixtures.ts';

const HIDDEN = 32;
const INTERMEDIATE = 48;
const LAYERS = 2;
const HEADS = 4;
const KV_HEADS = 2;

export interface TinyModelOptions {
  readonly seed?: number;
  /** Laid over config.json. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Writes the model folder. @returns the size of its vocabulary */
export async function writeTinyModel(dir: string, { seed = 1, config = {} }: TinyModelOptions = {}): Promise<number> {
  mkdirSync(dir, { recursive: true });
  const tokenizer = byteLevelTokenizer();
  const { vocab } = tokenizer.model as { vocab: Record<string, number> };
  const vocabSize = Object.keys(vocab).length;
  const write = (name: string, value: unknown) => writeFileSync(path.join(dir, name), JSON.stringify(value));
  write('config.json', {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocabSize,
    hidden_size: HIDDEN,
    intermediate_size: INTERMEDIATE,
    num_hidden_layers: LAYERS,
    num_attention_heads: HEADS,
    num_key_value_heads: KV_HEADS,
    max_position_embeddings: 256,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: true,
    bos_token_id: 0,
    eos_token_id: 4,
    ...config,
  });
  write('tokenizer.json', tokenizer);
  write('tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    bos_token: '<s>',
    eos_token: '<|im_end|>',
    pad_token: '<pad>',
    chat_template: CHAT_TEMPLATE,
    clean_up_tokenization_spaces: false,
  });
  await writeSafetensors(path.join(dir, 'model.safetensors'), listTensors(vocabSize, seed));
  return vocabSize;
}

function listTensors(vocabSize: number, seed: number) {
  const next = randomNormal(seed);
  const keyValue = (HIDDEN / HEADS) * KV_HEADS;
  const matrix = (name: string, rows: number, columns: number) => tensor(name, [rows, columns], () => 0.08 * next());
  const ones = (name: string) => tensor(name, [HIDDEN], () => 1);
  const layers = Array.from({ length: LAYERS }, (_, index) => {
    const prefix = `model.layers.${index}`;
    return [
      ones(`${prefix}.input_layernorm.weight`),
      ones(`${prefix}.post_attention_layernorm.weight`),
      matrix(`${prefix}.self_attn.q_proj.weight`, HIDDEN, HIDDEN),
      matrix(`${prefix}.self_attn.k_proj.weight`, keyValue, HIDDEN),
      matrix(`${prefix}.self_attn.v_proj.weight`, keyValue, HIDDEN),
      matrix(`${prefix}.self_attn.o_proj.weight`, HIDDEN, HIDDEN),
      matrix(`${prefix}.mlp.gate_proj.weight`, INTERMEDIATE, HIDDEN),
      matrix(`${prefix}.mlp.up_proj.weight`, INTERMEDIATE, HIDDEN),
      matrix(`${prefix}.mlp.down_proj.weight`, HIDDEN, INTERMEDIATE),
    ];
  });
  return [matrix('model.embed_tokens.weight', vocabSize, HIDDEN), ...layers.flat(), ones('model.norm.weight')];
}

function tensor(name: string, shape: readonly number[], value: () => number) {
  const count = shape.reduce((product, size) => product * size, 1);
  const data = encodeFloats(Float32Array.from({ length: count }, value), 'F32');
  return { name, dtype: 'F32' as const, shape, data };
}

/** Normal numbers from a small linear congruential generator (Box and Muller). */
function randomNormal(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Rows of question and answer, as JSON lines. */
export function questionRows(count: number): string {
  const rows = Array.from({ length: count }, (_, index) => ({
    prompt: `hello ${index % 7}`,
    completion: `world ${index % 7} ok`,
  }));
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
