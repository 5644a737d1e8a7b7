/**
 * @file What the bench runs: model shapes, batch shapes, and the matrix products one LoRA step of them is made of.
 */

/** Fields of a Llama config.json that decide the cost of a step. */
export interface ModelShape {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly intermediate_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly max_position_embeddings: number;
  readonly tie_word_embeddings: boolean;
}

export interface BatchShape {
  readonly batch: number;
  readonly seq: number;
}

export const RANK = 8;

export const MODELS: Readonly<Record<string, ModelShape>> = {
  /** For a smoke test of the bench itself. */
  tiny: shapeOf({ vocab: 512, hidden: 64, mlp: 128, layers: 2, heads: 4, kvHeads: 2 }),
  '15M': shapeOf({ vocab: 32000, hidden: 288, mlp: 768, layers: 6, heads: 6, kvHeads: 6 }),
  '60M': shapeOf({ vocab: 32000, hidden: 512, mlp: 1376, layers: 12, heads: 8, kvHeads: 4 }),
  '135M': shapeOf({ vocab: 49152, hidden: 576, mlp: 1536, layers: 30, heads: 9, kvHeads: 3 }),
  '360M': shapeOf({ vocab: 49152, hidden: 960, mlp: 2560, layers: 32, heads: 15, kvHeads: 5 }),
};

interface Sizes {
  readonly vocab: number;
  readonly hidden: number;
  readonly mlp: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
}

function shapeOf({ vocab, hidden, mlp, layers, heads, kvHeads }: Sizes): ModelShape {
  return {
    vocab_size: vocab,
    hidden_size: hidden,
    intermediate_size: mlp,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    max_position_embeddings: 2048,
    tie_word_embeddings: true,
  };
}

/** `4x256` = 4 rows of 256 tokens. @throws when it is written otherwise. */
export function parseBatchShape(text: string): BatchShape {
  const [, batch, seq] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (batch === undefined || seq === undefined) throw new Error(`"${text}" is not a batch shape such as 4x256`);
  return { batch: Number(batch), seq: Number(seq) };
}

/** [m, k] x [k, n], `batch` of them side by side, `count` times in one step. */
export interface Product {
  readonly batch: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly count: number;
}

/**
 * All matrix products of one step of LoRA on every linear layer with every token trained: forward, and backward without the gradient of
 * any frozen weight nor of the first layer's input (nothing below it is trained). Attention counts whole squares.
 */
export function stepProducts(model: ModelShape, { batch, seq }: BatchShape): Product[] {
  const { hidden_size: hidden, num_hidden_layers: layers, num_attention_heads: heads } = model;
  const tokens = batch * seq;
  const headDim = hidden / heads;
  const products = linearsOf(model).flatMap(({ input, output, count, feedsLayerInput }) => {
    const reachable = feedsLayerInput ? count * (layers - 1) : count * layers;
    const all = count * layers;
    const into = (k: number, n: number, times: number): Product => ({ batch: 1, m: tokens, k, n, count: times });
    return [
      into(input, output, all),
      into(output, input, reachable),
      into(input, RANK, all), // x A
      into(RANK, output, all), // (x A) B
      into(output, RANK, all), // dY B
      into(RANK, input, reachable), // (dY B) A
      { batch: 1, m: RANK, k: tokens, n: input, count: all }, // dA
      { batch: 1, m: output, k: tokens, n: RANK, count: all }, // dB
    ];
  });
  const attention = { batch: batch * heads, m: seq };
  return groupEqual([
    ...products,
    { batch: 1, m: tokens, k: hidden, n: model.vocab_size, count: 1 },
    { batch: 1, m: tokens, k: model.vocab_size, n: hidden, count: 1 },
    { ...attention, k: headDim, n: seq, count: 2 * layers }, // scores; gradient of the weights
    { ...attention, k: seq, n: headDim, count: 4 * layers }, // weighted values; gradients of queries, keys, values
  ]);
}

interface LinearKind {
  readonly input: number;
  readonly output: number;
  /** In one layer. */
  readonly count: number;
  /** Whether its input gradient only flows into the layer's own input. */
  readonly feedsLayerInput: boolean;
}

function linearsOf(model: ModelShape): LinearKind[] {
  const { hidden_size: hidden, intermediate_size: mlp } = model;
  const keys = (hidden / model.num_attention_heads) * model.num_key_value_heads;
  return [
    { input: hidden, output: hidden, count: 1, feedsLayerInput: true },
    { input: hidden, output: keys, count: 2, feedsLayerInput: true },
    { input: hidden, output: hidden, count: 1, feedsLayerInput: false },
    { input: hidden, output: mlp, count: 2, feedsLayerInput: false },
    { input: mlp, output: hidden, count: 1, feedsLayerInput: false },
  ];
}

/** Values of all matrices that a token is multiplied with: the linears and the output head. */
export function countMatrixValues(model: ModelShape): number {
  const layer = linearsOf(model).reduce((sum, { input, output, count }) => sum + input * output * count, 0);
  return model.num_hidden_layers * layer + model.vocab_size * model.hidden_size;
}

function groupEqual(products: readonly Product[]): Product[] {
  const groups = new Map<string, Product>();
  for (const product of products) {
    const key = [product.batch, product.m, product.k, product.n].join('x');
    const known = groups.get(key);
    groups.set(key, { ...product, count: product.count + (known?.count ?? 0) });
  }
  return [...groups.values()];
}

/** Multiplications and additions of all products. */
export function countFlops(products: readonly Product[]): number {
  return products.reduce((sum, { batch, m, k, n, count }) => sum + 2 * batch * m * k * n * count, 0);
}
