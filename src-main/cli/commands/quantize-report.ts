/** @file tunesmith quantize-report */
import type { Command } from 'commander';
import { storageLabel, type QuantizeReport } from '../../../src-shared/domain/quantize-report.ts';
import type { RunAction } from '../command.ts';
import { addDataFlags, type DataFlags, readDataFlags } from '../data-flags.ts';
import { formatBytes, formatFigure, formatTable, formatTime } from '../format.ts';
import { numberIn } from '../model-flags.ts';

interface ReportFlags extends DataFlags {
  readonly model: string;
  readonly rows: number;
  readonly fresh?: boolean;
}

const HELP = `
Every storage that \`train --set quantization.method=…\` can use is loaded once and measured. The result is kept: the same
model and rows are shown again at once.

Example:
  $ tunesmith quantize-report --model sample --data rows.jsonl`;

export function addQuantizeReportCommand(parent: Command, run: RunAction): void {
  addDataFlags(
    parent.command('quantize-report').requiredOption('--model <dir>', 'model folder, or a name from `models list`'),
  )
    .description('what 8-bit and 4-bit weights save and lose, measured on your rows')
    .option('--rows <n>', 'rows to measure on, spread over the files', numberIn(1, Infinity, true), 64)
    .option('--fresh', 'measure again')
    .addHelpText('after', HELP)
    .action((flags: ReportFlags) =>
      run(async ({ reporter, services: open, signal }) => {
        const { reportWork } = await import('../report-work.ts');
        const services = await open();
        const request = {
          modelDir: await services.models.resolveFolder(flags.model),
          data: readDataFlags(flags),
          maxRows: flags.rows,
        };
        const following = { signal, onEvent: reportWork(reporter), fresh: flags.fresh === true };
        const { report, measured_at, cached } = await services.quantization.report(request, following);
        for (const storage of report.storages) reporter.event({ event: 'storage', ...storage });
        const { storages: _storages, ...rest } = report;
        if (cached) reporter.note(`Measured ${formatTime(measured_at)}; --fresh measures again.`, 'report/cached');
        reporter.result({ ...rest, measured_at, cached }, describeReport(report));
      }),
    );
}

function describeReport({ storages, recommendation, rows, tokens }: QuantizeReport): string {
  const header = ['Storage', 'Bits', 'Memory', 'Mean error', 'Largest', 'Loss', 'Perplexity', 'Tokens/s'];
  const lines = storages.map((storage) => [
    storageLabel(storage.quantization),
    storage.bits_per_parameter.toFixed(3),
    formatBytes(storage.weight_bytes),
    formatFigure(storage.mean_error),
    formatFigure(storage.max_error),
    storage.eval_loss.toFixed(4),
    formatFigure(storage.perplexity),
    storage.tokens_per_second.toFixed(0),
  ]);
  const worst = storages.at(-1)?.modules.reduce((most, next) => (next.max_error > most.max_error ? next : most));
  return [
    formatTable(header, lines),
    '',
    `Measured on ${rows} rows, ${tokens} tokens.`,
    ...(worst ? [`Largest error of ${storageLabel(storages.at(-1)!.quantization)}: ${worst.module}`] : []),
    `Recommended: ${storageLabel(recommendation.quantization)} (${recommendation.reason})`,
  ].join('\n');
}
