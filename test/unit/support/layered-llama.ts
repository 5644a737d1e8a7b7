/** @file config.json of a Llama model of some 33 million parameters and 13 more for each layer: its size is chosen by its layers. */
export const layeredLlama = (layers: number) => ({
  model_type: 'llama',
  vocab_size: 32_000,
  hidden_size: 1024,
  intermediate_size: 2816,
  num_hidden_layers: layers,
  num_attention_heads: 16,
  num_key_value_heads: 16,
  max_position_embeddings: 1024,
  tie_word_embeddings: true,
});
