/**
 * @file The files of the sample model beside its weights: configuration, tokenizer, chat template.
 */
import type { BpeVocabulary } from './bpe-trainer.ts';

export const VOCAB_SIZE = 2048;

/** Ids are their places here. */
export const SPECIAL_TOKENS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>', '<|pad|>'] as const;
const [BOS, , EOS, PAD] = SPECIAL_TOKENS;
const idOf = (token: (typeof SPECIAL_TOKENS)[number]): number => SPECIAL_TOKENS.indexOf(token);
const TOKEN_IDS = { bos_token_id: idOf(BOS), eos_token_id: idOf(EOS), pad_token_id: idOf(PAD) };

const CHAT_TEMPLATE = [
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}",
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
].join('');

/** Shape of the network: 4.9 million weights. */
export const MODEL_CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: VOCAB_SIZE,
  hidden_size: 256,
  intermediate_size: 704,
  num_hidden_layers: 6,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 32,
  hidden_act: 'silu',
  max_position_embeddings: 512,
  rope_theta: 10000,
  rms_norm_eps: 1e-5,
  initializer_range: 0.02,
  attention_bias: false,
  mlp_bias: false,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
  ...TOKEN_IDS,
} as const;

/** File name -> text, all of resources/sample-model but the weights. */
export function renderModelFiles(vocabulary: BpeVocabulary): ReadonlyMap<string, string> {
  const named = { bos_token: BOS, eos_token: EOS, pad_token: PAD };
  return new Map([
    // Python tells 10000 from 10000.0, and the setting is a float there.
    ['config.json', renderJson(MODEL_CONFIG).replace('"rope_theta": 10000,', '"rope_theta": 10000.0,')],
    ['generation_config.json', renderJson({ do_sample: false, ...TOKEN_IDS })],
    ['special_tokens_map.json', renderJson({ ...named, additional_special_tokens: ['<|im_start|>'] })],
    ['tokenizer.json', renderJson(describeTokenizer(vocabulary))],
    ['tokenizer_config.json', renderJson(describeTokenizerConfig(named))],
  ]);
}

function renderJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

const PLAIN_TOKEN = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };

function describeTokenizer({ vocab, merges }: BpeVocabulary): unknown {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({ id, content, ...PLAIN_TOKEN })),
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel] },
    post_processor: null,
    decoder: { ...byteLevel, add_prefix_space: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}

function describeTokenizerConfig(named: Readonly<Record<string, string>>): unknown {
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    ...named,
    additional_special_tokens: ['<|im_start|>'],
    added_tokens_decoder: Object.fromEntries(SPECIAL_TOKENS.map((content, id) => [id, { content, ...PLAIN_TOKEN }])),
    model_max_length: MODEL_CONFIG.max_position_embeddings,
    clean_up_tokenization_spaces: false,
    chat_template: CHAT_TEMPLATE,
  };
}
