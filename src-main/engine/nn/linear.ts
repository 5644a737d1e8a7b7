/**
 * @file Linear layers of a model, in groups that share their input.
 *
 * A model describes its linears as data; PEFT (src-main/engine/peft) adds the update by setting `update`; here both are run. Which
 * of base, bias and update are trainable is asked of the step context, so the same code serves LoRA, bias tuning and full fine-tuning.
 */
import * as basics from '../ops/basics.ts';
import {
  addBias,
  frozenLinear,
  lowRankUpdate,
  type LowRankUpdate,
  type Parameter,
  trainableLinear,
} from '../ops/linear.ts';
import { doraUpdate } from '../ops/dora.ts';
import { foldedLinear } from '../ops/folded-linear.ts';
import type { Tensor } from '../ops/tensor.ts';
import type { StepContext } from './step-context.ts';
import type { UpdateSpec, WeightSpec } from './weight-spec.ts';

export interface Linear {
  /** Module path, for instance `model.layers.0.self_attn.q_proj`. */
  readonly path: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly hasBias: boolean;
  /** The file holds the weight as [in, out] (GPT-2's Conv1D); everywhere else it is [out, in]. */
  readonly transposed: boolean;
  /** Set by PEFT before the step is built. */
  update: UpdateSpec | null;
}

export function makeLinear(
  path: string,
  inFeatures: number,
  outFeatures: number,
  hasBias: boolean,
  transposed = false,
): Linear {
  return { path, inFeatures, outFeatures, hasBias, transposed, update: null };
}

/** The tensors of a group, stacked where frozen. */
export function linearWeights(group: readonly Linear[]): WeightSpec[] {
  const stack = group.length > 1 ? group.map(({ path }) => path).join('+') : undefined;
  return group.flatMap(({ path, inFeatures, outFeatures, hasBias, transposed }) => [
    { name: `${path}.weight`, shape: [outFeatures, inFeatures], role: 'matrix' as const, stack, transposed },
    ...(hasBias ? [{ name: `${path}.bias`, shape: [outFeatures], role: 'vector' as const }] : []),
  ]);
}

/**
 * Runs linears that share one input.
 * @param x [tokens, in], compute dtype
 * @returns [tokens, out] per linear, compute dtype
 */
export function applyLinears(ctx: StepContext, x: Tensor, group: readonly Linear[]): Tensor[] {
  const ys = ctx.room(group.map(weightName)) > 0 ? applyFolded(ctx, x, group) : applyBeside(ctx, x, group);
  return group.map((linear, index) => applyBiasOf(ctx, linear, ys[index]!));
}

const weightName = ({ path }: Linear): string => `${path}.weight`;

/** Base and updates as one product. */
function applyFolded(ctx: StepContext, x: Tensor, group: readonly Linear[]): Tensor[] {
  const names = group.map(weightName);
  return foldedLinear({
    x,
    room: ctx.room(names),
    sizes: group.map(({ outFeatures }) => outFeatures),
    updates: group.map((linear) => (linear.update ? tensorsOf(ctx, linear) : null)),
    weight: (beside, after) => ctx.foldedMatrix(names, beside, after),
  });
}

/** The base's product, to which updates are added. */
function applyBeside(ctx: StepContext, x: Tensor, group: readonly Linear[]): Tensor[] {
  const base = applyBase(ctx, x, group);
  const plain = group.filter(({ update }) => update && !update.dora);
  const results = new Map(group.map((linear, index) => [linear, base[index]!]));
  for (const { members, input } of shareInputs(ctx, x, plain)) {
    const ys = lowRankUpdate(
      input,
      members.map((linear) => results.get(linear)!),
      members.map((linear) => tensorsOf(ctx, linear)),
    );
    members.forEach((linear, index) => results.set(linear, ys[index]!));
  }
  for (const linear of group) {
    if (linear.update?.dora) results.set(linear, applyDora(ctx, x, linear, results.get(linear)!));
  }
  return group.map((linear) => results.get(linear)!);
}

/** One linear. */
export function applyLinear(ctx: StepContext, x: Tensor, linear: Linear): Tensor {
  return applyLinears(ctx, x, [linear])[0]!;
}

function applyBase(ctx: StepContext, x: Tensor, group: readonly Linear[]): Tensor[] {
  const names = group.map(weightName);
  const trainable = names.map((name) => ctx.parameter(name));
  if (trainable.every((parameter) => parameter === null)) {
    return frozenLinear(
      x,
      (after) => ctx.matrix(names, after),
      group.map(({ outFeatures }) => outFeatures),
    );
  }
  return group.map((linear, index) => {
    const parameter = trainable[index];
    if (parameter) return trainableLinear(x, parameter);
    return frozenLinear(x, (after) => ctx.matrix([names[index]!], after), [linear.outFeatures])[0]!;
  });
}

/** Without dropout all updates of a group share the input; with it each has a mask of its own, as in PEFT. */
function shareInputs(ctx: StepContext, x: Tensor, members: readonly Linear[]): { members: Linear[]; input: Tensor }[] {
  const plain = members.filter(({ update }) => update!.dropout === 0 || !ctx.training);
  const dropped = members.filter((linear) => !plain.includes(linear));
  const groups = dropped.map((linear) => ({ members: [linear], input: dropInput(ctx, x, linear) }));
  return plain.length > 0 ? [{ members: plain, input: x }, ...groups] : groups;
}

function dropInput(ctx: StepContext, x: Tensor, { path, update }: Linear): Tensor {
  const mask = ctx.dropoutMask(path, x.shape, update!.dropout);
  return mask ? basics.applyMask(x, mask) : x;
}

function tensorsOf(ctx: StepContext, { path, update }: Linear): LowRankUpdate {
  return {
    a: needParameter(ctx, `${path}.lora_A.weight`),
    b: needParameter(ctx, `${path}.lora_B.weight`),
    s: update!.scalingVector ? needParameter(ctx, `${path}.scaling_vector`) : null,
    scale: update!.scale,
  };
}

function applyDora(ctx: StepContext, x: Tensor, linear: Linear, base: Tensor): Tensor {
  const update = linear.update!;
  const mask = ctx.dropoutMask(linear.path, x.shape, update.dropout);
  return doraUpdate({
    x,
    base,
    mask,
    update: tensorsOf(ctx, linear),
    magnitude: needParameter(ctx, `${linear.path}.lora_magnitude_vector`),
    weight: () => ctx.matrix([`${linear.path}.weight`], null),
  });
}

function applyBiasOf(ctx: StepContext, { path, hasBias }: Linear, y: Tensor): Tensor {
  if (!hasBias) return y;
  const parameter = ctx.parameter(`${path}.bias`);
  return addBias(y, parameter ?? frozenVector(ctx, `${path}.bias`));
}

/** A frozen vector in the shape of a parameter: f32 and compute dtype, no gradient. */
export function frozenVector(ctx: StepContext, name: string): Parameter {
  const leaf = ctx.frozen(name);
  return { leaf, value: basics.cast(leaf, ctx.compute) };
}

/** The trainable vector of that name, else the frozen one, f32. */
export function vectorOf(ctx: StepContext, name: string): Tensor {
  return ctx.parameter(name)?.leaf ?? ctx.frozen(name);
}

export function needParameter(ctx: StepContext, name: string): Parameter {
  const parameter = ctx.parameter(name);
  if (!parameter) throw new Error(`internal: ${name} is not among the trainable tensors`);
  return parameter;
}
