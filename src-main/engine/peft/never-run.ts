/**
 * @file Tables whose module is never run, as `shared` of T5: encoder and decoder look tokens up in modules of their own, which have its
 * weights. PEFT wraps what is named, so whatever an adapter brings for such a module has no effect there (peft 0.21, modules_to_save and
 * `ensure_weight_tying` included). Here it is refused where a person asks for it, and has no effect where a file brings it.
 */
import type { AdapterTensors } from '../formats/peft-adapter.ts';
import { splitAdapterName } from '../formats/adapter-names.ts';
import { moduleOf, type AdaptableModel } from './adaptable-model.ts';

type Weights = Pick<AdaptableModel, 'weights'>;

/** Paths of these modules. */
export function neverRun({ weights }: Weights): string[] {
  return weights.filter(({ isNeverRun }) => isNeverRun).map(({ name }) => moduleOf(name));
}

/** What to tell who names such a module; null where the name means another. */
export function explainNeverRun(model: Weights, name: string): { message: string; hint: string } | null {
  if (!neverRun(model).includes(name)) return null;
  return {
    message: `"${name}" is never run: encoder and decoder look tokens up in modules of their own, so an adapter on it has no effect in PEFT`,
    hint: 'leave it out; peft_type NONE trains the table itself',
  };
}

const LOOK_UP = /^(?:(?:en|de)coder\.)?embed_tokens$/;

/** What to tell who names a module that looks such a table up: PEFT adapts it, and we have none. null where the name means another. */
export function explainLookUp(model: Weights, name: string): { message: string; hint: string } | null {
  if (neverRun(model).length === 0 || !LOOK_UP.test(name)) return null;
  return {
    message: `"${name}" looks tokens up for an encoder or decoder: adapters of PEFT's on it are not supported here`,
    hint: 'leave it out; peft_type NONE trains the table itself',
  };
}

/** Without what would have no effect. */
export function dropNeverRun(model: Weights, tensors: AdapterTensors): AdapterTensors {
  const idle = neverRun(model);
  return new Map([...tensors].filter(([name]) => !idle.includes(splitAdapterName(name).module)));
}
