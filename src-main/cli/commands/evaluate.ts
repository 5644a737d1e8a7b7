/** @file tunesmith evaluate */
import type { Command } from 'commander';
import type { EvaluateMetric, EvaluateResult } from '../../engine/recipes/contract.ts';
import { formatFigure, formatTable } from '../format.ts';
import type { RunAction } from '../command.ts';
import { addDataFlags, type DataFlags, readDataFlags } from '../data-flags.ts';
import { addModelFlags, type ModelFlags, numberIn, readModelFlags } from '../model-flags.ts';

interface EvaluateFlags extends ModelFlags, DataFlags {
  readonly exactMatch?: boolean;
  readonly rougeL?: boolean;
  readonly maxNewTokens: number;
  readonly batchSize?: number;
}

const EXAMPLES = `
Examples:
  $ tunesmith evaluate --model sample --data held-out.jsonl
  $ tunesmith evaluate --model sample --adapter my-run/adapter --data held-out.jsonl --exact-match`;

export function addEvaluateCommand(parent: Command, run: RunAction): void {
  addDataFlags(addModelFlags(parent.command('evaluate')))
    .description('loss of a model on data, and how often its answers are right')
    .option('--exact-match', 'write an answer to every row and compare it')
    .option(
      '--rouge-l',
      'write an answer to every row and count the words it shares with the wanted one, in their order',
    )
    .option('--max-new-tokens <n>', 'longest answer', numberIn(1, Infinity, true), 128)
    .option('--batch-size <n>', 'rows at once', numberIn(1, Infinity, true))
    .addHelpText('after', EXAMPLES)
    .action((flags: EvaluateFlags) =>
      run(async ({ reporter, services: open, signal }) => {
        const { reportWork } = await import('../report-work.ts');
        const services = await open();
        const metrics: EvaluateMetric[] = [];
        if (flags.exactMatch) metrics.push('exact_match');
        if (flags.rougeL) metrics.push('rouge_l');
        const request = {
          ...(await readModelFlags(flags, services)),
          data: readDataFlags(flags),
          metrics,
          batchSize: flags.batchSize ?? null,
          maxNewTokens: flags.maxNewTokens,
        };
        const result = await services.inference.evaluate(request, { signal, onEvent: reportWork(reporter) });
        reporter.result(result, describeResult(result));
      }),
    );
}

function describeResult({ eval_loss, perplexity, rows, tokens, metrics }: EvaluateResult): string {
  return formatTable(
    ['Loss', formatFigure(eval_loss)],
    [
      ...(perplexity === null ? [] : [['Perplexity', formatFigure(perplexity)]]),
      ['Rows', String(rows)],
      ...(perplexity === null ? [] : [['Tokens', String(tokens)]]),
      ...Object.entries(metrics).map(([name, value]) => [name, formatFigure(value)]),
    ],
  );
}
