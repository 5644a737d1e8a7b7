/**
 * @file Flags of the commands that work with a model and perhaps an adapter.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import path from 'node:path';
import { QUANTIZATION_METHODS, type QuantizationConfig } from '../../src-shared/schema/run-config.ts';
import type { ModelSource } from '../engine/recipes/contract.ts';
import type { Services } from '../services/create-services.ts';

export interface ModelFlags {
  readonly model: string;
  readonly adapter?: string;
  readonly quantization?: QuantizationConfig['method'];
}

export function addModelFlags(command: Command): Command {
  return command
    .requiredOption('--model <dir>', 'model folder, or a name from `models list`')
    .option('--adapter <dir>', 'adapter folder: a run’s adapter/, a checkpoint, or one of PEFT')
    .addOption(
      new Option('--quantization <method>', 'how the model’s weights are held').choices([...QUANTIZATION_METHODS]),
    );
}

export async function readModelFlags(flags: ModelFlags, services: Services): Promise<ModelSource> {
  return {
    modelDir: await services.models.resolveFolder(flags.model),
    adapterDir: flags.adapter === undefined ? null : path.resolve(flags.adapter),
    ...(flags.quantization && { quantization: { method: flags.quantization } }),
  };
}

/** Reads a number of a flag; commander names the flag in the message. */
export function numberIn(least: number, most = Infinity, isWhole = false): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const isValid = text.trim() !== '' && value >= least && value <= most && (!isWhole || Number.isInteger(value));
    const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
    if (!isValid) throw new InvalidArgumentError(`It must be a ${isWhole ? 'whole ' : ''}number ${range}.`);
    return value;
  };
}

/** Reads `1,2,3`. */
export function tokenList(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim());
  if (!parts.every((part) => /^\d+$/.test(part))) throw new InvalidArgumentError('It must be token ids: 1,2,3');
  return parts.map(Number);
}
