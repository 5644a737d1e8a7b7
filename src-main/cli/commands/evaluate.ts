/** @file tunesmith evaluate */
import type { Command } from 'commander';
import type { EvaluateMetric } from '../../engine/recipes/contract.ts';
import type { RunAction } from '../command.ts';
import { addDataFlags, type DataFlags, readDataFlags } from '../data-flags.ts';
import { describeEvaluated } from '../describe-evaluated.ts';
import { addModelFlags, type ModelFlags, numberIn, readModelFlags } from '../model-flags.ts';

interface EvaluateFlags extends ModelFlags, DataFlags {
  readonly exactMatch?: boolean;
  readonly rougeL?: boolean;
  readonly maxNewTokens: number;
  readonly batchSize?: number;
  readonly seed: number;
}

const EXAMPLES = `
Examples:
  $ tunesmith evaluate --model sample --data held-out.jsonl
  $ tunesmith evaluate --model sample --adapter my-run/adapter --data held-out.jsonl --exact-match
  $ tunesmith evaluate --model my-bert --data texts.txt`;

export function addEvaluateCommand(parent: Command, run: RunAction): void {
  addDataFlags(addModelFlags(parent.command('evaluate')))
    .description('loss of a model on data, and how often its answers, classes or masked words are right')
    .option('--exact-match', 'write an answer to every row and compare it')
    .option(
      '--rouge-l',
      'write an answer to every row and count the words it shares with the wanted one, in their order',
    )
    .option('--max-new-tokens <n>', 'longest answer', numberIn(1, Infinity, true), 128)
    .option('--batch-size <n>', 'rows at once', numberIn(1, Infinity, true))
    .option('--seed <n>', 'which tokens are hidden from a masked language model', numberIn(0, 2 ** 31 - 1, true), 42)
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
          seed: flags.seed,
        };
        const result = await services.inference.evaluate(request, { signal, onEvent: reportWork(reporter) });
        reporter.result(result, describeEvaluated(result, flags.seed));
      }),
    );
}
