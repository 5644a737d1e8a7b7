/**
 * @file Flags of the commands that read rows to measure on.
 */
import { type Command, Option } from 'commander';
import path from 'node:path';
import { DATA_FORMATS, type DataConfig } from '../../src-shared/schema/run-config.ts';
import type { EvaluateOptions } from '../engine/recipes/contract.ts';
import { numberIn } from './model-flags.ts';

export interface DataFlags {
  readonly data: string[];
  readonly format: DataConfig['format'];
  readonly column: string[];
  readonly maxLength?: number;
  readonly allTokens?: boolean;
}

export function addDataFlags(command: Command): Command {
  return command
    .requiredOption('--data <files...>', 'rows to measure on')
    .addOption(new Option('--format <name>', 'format of the rows').choices([...DATA_FORMATS]).default('auto'))
    .option('--column <ours=theirs>', 'column of the file for a field; may be repeated', collect, [])
    .option('--max-length <n>', 'longest row in tokens', numberIn(1, Infinity, true))
    .option('--all-tokens', 'count prompts too, not answers alone');
}

export function readDataFlags({ data, format, column, maxLength, allTokens }: DataFlags): EvaluateOptions['data'] {
  return {
    paths: data.map((file) => path.resolve(file)),
    format,
    columns: Object.fromEntries(column.map(splitPair)),
    template: null,
    max_length: maxLength ?? null,
    completion_only_loss: !allTokens,
  };
}

function splitPair(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

function collect(text: string, all: string[]): string[] {
  return [...all, text];
}
