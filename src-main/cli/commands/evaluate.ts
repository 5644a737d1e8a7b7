/** @file tunesmith evaluate */
import { type Command, Option } from 'commander';
import path from 'node:path';
import { DATA_FORMATS, type DataConfig } from '../../../src-shared/schema/run-config.ts';
import type { EvaluateMetric, EvaluateResult } from '../../engine/recipes/contract.ts';
import { formatFigure, formatTable } from '../format.ts';
import type { RunAction } from '../command.ts';
import { addModelFlags, type ModelFlags, numberIn, readModelFlags } from '../model-flags.ts';

interface EvaluateFlags extends ModelFlags {
  readonly data: string[];
  readonly format: DataConfig['format'];
  readonly column: string[];
  readonly maxLength?: number;
  readonly allTokens?: boolean;
  readonly exactMatch?: boolean;
  readonly maxNewTokens: number;
  readonly batchSize?: number;
}

const EXAMPLES = `
Examples:
  $ tunesmith evaluate --model sample --data held-out.jsonl
  $ tunesmith evaluate --model sample --adapter my-run/adapter --data held-out.jsonl --exact-match`;

export function addEvaluateCommand(parent: Command, run: RunAction): void {
  addModelFlags(parent.command('evaluate'))
    .description('loss and perplexity of a model on data, and how often its answer is exactly right')
    .requiredOption('--data <files...>', 'rows to evaluate on')
    .addOption(new Option('--format <name>', 'format of the rows').choices([...DATA_FORMATS]).default('auto'))
    .option('--column <ours=theirs>', 'column of the file for a field; may be repeated', collect, [])
    .option('--max-length <n>', 'longest row in tokens', numberIn(1, Infinity, true))
    .option('--all-tokens', 'count prompts too, not answers alone')
    .option('--exact-match', 'write an answer to every row and compare it')
    .option('--max-new-tokens <n>', 'longest answer', numberIn(1, Infinity, true), 128)
    .option('--batch-size <n>', 'rows at once', numberIn(1, Infinity, true))
    .addHelpText('after', EXAMPLES)
    .action((flags: EvaluateFlags) =>
      run(async ({ reporter, services: open, signal }) => {
        const { reportWork } = await import('../report-work.ts');
        const services = await open();
        const metrics: EvaluateMetric[] = flags.exactMatch ? ['exact_match'] : [];
        const request = {
          ...(await readModelFlags(flags, services)),
          data: readData(flags),
          metrics,
          batchSize: flags.batchSize ?? null,
          maxNewTokens: flags.maxNewTokens,
        };
        const result = await services.inference.evaluate(request, { signal, onEvent: reportWork(reporter) });
        reporter.result(result, describeResult(result));
      }),
    );
}

function readData({ data, format, column, maxLength, allTokens }: EvaluateFlags) {
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

function describeResult({ eval_loss, perplexity, rows, tokens, metrics }: EvaluateResult): string {
  return formatTable(
    ['Loss', formatFigure(eval_loss)],
    [
      ['Perplexity', formatFigure(perplexity)],
      ['Rows', String(rows)],
      ['Tokens', String(tokens)],
      ...Object.entries(metrics).map(([name, value]) => [name, formatFigure(value)]),
    ],
  );
}
