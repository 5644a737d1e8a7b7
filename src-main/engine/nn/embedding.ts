/**
 * @file Token embeddings, and the language-model head that may share their table.
 */
import * as basics from '../ops/basics.ts';
import { doraTableUpdate } from '../ops/dora.ts';
import { embeddingUpdate, frozenEmbedding, trainableEmbedding } from '../ops/embedding.ts';
import { frozenLinear, trainableLinear } from '../ops/linear.ts';
import * as raw from '../ops/primitives.ts';
import { softcap } from '../ops/softcap.ts';
import type { Tensor } from '../ops/tensor.ts';
import { applyLinear, type Linear, needParameter } from './linear.ts';
import type { StepContext } from './step-context.ts';

/** Rows of the table `name` as f32, with its low-rank update. @returns [...ids, hidden] */
export function applyEmbedding(ctx: StepContext, name: string, ids: Tensor): Tensor {
  const parameter = ctx.parameter(name);
  const paddingRow = ctx.paddingRow(name);
  const rows = parameter ? trainableEmbedding(parameter, ids, paddingRow) : frozenEmbedding(ctx.table(name), ids);
  const spec = ctx.tableUpdate(name);
  if (spec === null) return rows;
  const path = name.slice(0, name.lastIndexOf('.'));
  const update = {
    a: needParameter(ctx, `${path}.lora_embedding_A`),
    b: needParameter(ctx, `${path}.lora_embedding_B`),
    s: spec.scalingVector ? needParameter(ctx, `${path}.scaling_vector`) : null,
    scale: spec.scale,
  };
  if (!spec.dora) return embeddingUpdate(rows, ids, update, paddingRow);
  const magnitude = needParameter(ctx, `${path}.lora_magnitude_vector`);
  return doraTableUpdate({ rows, ids, update, magnitude, table: ctx.table(name), paddingRow });
}

/** The head of a causal model: its own linear, or the transposed embedding table, which knows nothing of the table's update (as in PEFT). */
export interface LanguageHead {
  readonly linear: Linear | null;
  /** Embedding table that serves as the head's weight where `linear` is null. */
  readonly tiedTable: string;
  /** Logits are kept between -softcap and softcap; null = as they are. */
  readonly softcap: number | null;
}

/** @param hidden [n, hidden], compute dtype @returns logits [n, vocab], compute dtype */
export function applyHead(ctx: StepContext, hidden: Tensor, head: LanguageHead): Tensor {
  const logits = headProduct(ctx, hidden, head);
  return head.softcap === null ? logits : softcap(logits, head.softcap);
}

function headProduct(ctx: StepContext, hidden: Tensor, { linear, tiedTable }: LanguageHead): Tensor {
  if (linear) return applyLinear(ctx, hidden, linear);
  const parameter = ctx.parameter(tiedTable);
  if (parameter) return trainableLinear(hidden, parameter);
  const table = ctx.table(tiedTable);
  return frozenLinear(hidden, () => raw.cast(table, ctx.compute), [table.shape[0] as number])[0]!;
}

/** Trainable leaves inside the head. */
export function headLeaves(ctx: StepContext, { linear, tiedTable }: LanguageHead): Tensor[] {
  if (linear) return ctx.leavesUnder(`${linear.path}.`);
  const parameter = ctx.parameter(tiedTable);
  return parameter ? [parameter.leaf] : [];
}

/** Embeddings times a constant, which a model in bf16 has rounded to bf16 (Gemma). */
export function scaleEmbedding(ctx: StepContext, x: Tensor, factor: number): Tensor {
  if (factor === 1) return x;
  return basics.multiply(x, raw.cast(raw.scalar(ctx.runner, factor, ctx.compute), 'float32'));
}
