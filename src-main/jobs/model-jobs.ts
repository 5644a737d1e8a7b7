/**
 * @file The jobs that are no training: what each hands to its recipe, and where the result goes.
 */
import type { RunEvent } from '../../src-shared/domain/run-events.ts';
import type { ComputeLogits, EngineHost, ModelSource, OpenGenerator } from '../engine/recipes/contract.ts';
import { encodeFloats } from '../engine/formats/tensor-data.ts';
import { writeSafetensors } from '../engine/formats/safetensors.ts';
import { createHost, type JobContext, stampEvent } from './job-process.ts';
import type { JobResult, LogitsRequest } from './protocol.ts';

/** A job of one recipe call, whose request is the recipe's options without the host. */
export function callRecipe<Options extends { readonly host: EngineHost }, Result>(
  recipe: (options: Options) => Promise<Result>,
): (request: Omit<Options, 'host'>, context: JobContext) => Promise<Result> {
  return (request, context) => recipe({ ...request, host: hostOf(context) } as Options);
}

/** Loads a model and answers until it is stopped. */
export async function runGenerateJob(
  openGenerator: OpenGenerator,
  request: ModelSource,
  context: JobContext,
): Promise<null> {
  const generator = await openGenerator({ ...request, host: hostOf(context) });
  await context.serve((question, { signal, onText }) => generator.generate({ ...question, signal, onText }));
  return null;
}

/** Writes the logits as the one f32 tensor `logits` of a safetensors file. */
export async function runLogitsJob(
  computeLogits: ComputeLogits,
  { outputFile, ...request }: LogitsRequest,
  context: JobContext,
): Promise<JobResult<'logits'>> {
  const { data, shape } = await computeLogits({ ...request, host: hostOf(context) });
  await writeSafetensors(outputFile, [{ name: 'logits', dtype: 'F32', shape, data: encodeFloats(data, 'F32') }]);
  return { shape };
}

function hostOf(context: JobContext): EngineHost {
  return createHost(context, (event: RunEvent) => context.send(stampEvent(event)));
}
