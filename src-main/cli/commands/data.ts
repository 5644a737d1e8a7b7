/** @file tunesmith data */
import { type Command, Option } from 'commander';
import path from 'node:path';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { DataReport } from '../../../src-shared/domain/data-report.ts';
import { DATA_FORMATS, type DataConfig } from '../../../src-shared/schema/run-config.ts';
import type { RunAction } from '../command.ts';
import { numberIn } from '../model-flags.ts';

interface InspectFlags {
  readonly model?: string;
  readonly eval: string[];
  readonly format: DataConfig['format'];
  readonly column: string[];
  readonly maxLength?: number;
  readonly allTokens?: boolean;
}

const EXAMPLES = `
With --model the rows are tokenized too: how long they are, what is trained, what is cut off.
Ends with code 2 where rows cannot be used; all of them are named.

Examples:
  $ tunesmith data inspect chats.jsonl
  $ tunesmith data inspect table.csv --column prompt=Question --column completion=Answer --model sample`;

export function addDataCommand(parent: Command, run: RunAction): void {
  const data = parent.command('data').description('data files: what is in them, and what is wrong with them');
  data
    .command('inspect')
    .description('look through data files')
    .argument('<files...>', 'JSONL, JSON, CSV, TSV, Parquet, XLSX or TXT')
    .option('--model <dir>', 'model folder or name: its tokenizer counts the tokens')
    .option('--eval <files...>', 'held-out files: rows that also stand in the others are counted', [])
    .addOption(new Option('--format <name>', 'format of the rows').choices([...DATA_FORMATS]).default('auto'))
    .option('--column <ours=theirs>', 'column of the file for a field; may be repeated', collect, [])
    .option('--max-length <n>', 'longest row in tokens', numberIn(1, Infinity, true))
    .option('--all-tokens', 'train prompts too, not answers alone')
    .addHelpText('after', EXAMPLES)
    .action((files: string[], flags: InspectFlags) =>
      run(async ({ reporter, services: open, signal }) => {
        const [{ reportWork }, { describeReport }] = await Promise.all([
          import('../report-work.ts'),
          import('../describe-data.ts'),
        ]);
        const services = await open();
        const request = {
          train: files.map((file) => path.resolve(file)),
          eval: flags.eval.map((file) => path.resolve(file)),
          format: flags.format,
          columns: Object.fromEntries(flags.column.map(splitPair)),
          template: null,
          max_length: flags.maxLength ?? null,
          completion_only_loss: !flags.allTokens,
          task_type: null,
          labels: null,
          model: flags.model === undefined ? null : await services.models.resolveFolder(flags.model),
        };
        const report = await services.data.inspect(request, { signal, onEvent: reportWork(reporter) });
        if (report.fault_count === 0) return reporter.result(report, describeReport(report));
        reporter.event({ event: 'report', ...report });
        if (!reporter.json) reporter.note(describeReport(report));
        throw badRows(report);
      }),
    );
}

function badRows({ fault_count, faults }: DataReport): AppError {
  const count = fault_count === 1 ? 'one fault' : `${fault_count} faults`;
  return new AppError('data/bad-rows', `The data has ${count}`, {
    faults,
    hint: 'Correct or remove the named rows.',
  });
}

function splitPair(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

function collect(text: string, all: string[]): string[] {
  return [...all, text];
}
