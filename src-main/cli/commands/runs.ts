/** @file tunesmith runs list | show | compare | remove | export */
import { type Command, Option } from 'commander';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunRecord } from '../../../src-shared/domain/history.ts';
import type { ConfigDifference, RunDetails } from '../../services/run-details.ts';
import { formatBytes, formatDuration, formatFigure, formatTable, formatTime } from '../format.ts';
import type { RunAction } from '../command.ts';

export function addRunsCommand(parent: Command, run: RunAction): void {
  const runs = parent
    .command('runs')
    .description('the history of all runs (a run is named by id, folder, or part of its id)');
  addListCommand(runs, run);
  addShowCommand(runs, run);
  addCompareCommand(runs, run);
  addExportCommand(runs, run);
  addRemoveCommand(runs, run);
}

function addListCommand(runs: Command, run: RunAction): void {
  runs
    .command('list')
    .description('all runs, newest first')
    .action(() =>
      run(async ({ reporter, services }) => {
        const list = await (await services()).runs.list();
        reporter.result({ runs: list.map(withParsedConfig) }, list.length === 0 ? 'No runs yet.' : describeList(list));
      }),
    );
}

function addShowCommand(runs: Command, run: RunAction): void {
  runs
    .command('show <run>')
    .description('one run with its figures, checkpoints, samples and the configuration it ran with')
    .addHelpText('after', '\nExample:\n  $ tunesmith runs show my-run')
    .action((name: string) =>
      run(async ({ reporter, services }) => {
        const details = await (await services()).runs.show(name);
        reporter.result({ ...details, run: withParsedConfig(details.run) }, describeDetails(details));
      }),
    );
}

function addCompareCommand(runs: Command, run: RunAction): void {
  runs
    .command('compare <runs...>')
    .description('results beside each other, and the settings in which the runs differ')
    .addHelpText('after', '\nExample:\n  $ tunesmith runs compare first-run second-run')
    .action((names: string[]) =>
      run(async ({ reporter, services }) => {
        const { compareConfigs } = await import('../../services/run-details.ts');
        const service = (await services()).runs;
        const list: RunRecord[] = [];
        for (const name of names) list.push((await service.show(name)).run);
        const differences = compareConfigs(list);
        reporter.result({ runs: list.map(withParsedConfig), differences }, describeComparison(list, differences));
      }),
    );
}

function addExportCommand(runs: Command, run: RunAction): void {
  runs
    .command('export <run>')
    .description('write the figures of a run as a table, or for TensorBoard')
    .addOption(new Option('--format <name>', 'what to write').choices(['csv', 'tensorboard']).default('csv'))
    .requiredOption('--output <path>', 'file to write; for tensorboard the folder')
    .addHelpText('after', EXPORT_EXAMPLES)
    .action((name: string, { output, format }: { output: string; format: 'csv' | 'tensorboard' }) =>
      run(async ({ reporter, services }) => {
        const { runs: all, library } = await services();
        const details = await all.show(name);
        const toCsv = () => library.metricsCsv(details.run.id);
        const file = await writeFigures(details, format === 'csv' ? toCsv : null, path.resolve(output));
        reporter.result({ file, steps: details.metrics.length }, `Wrote ${details.metrics.length} steps to ${file}`);
      }),
    );
}

const EXPORT_EXAMPLES = `
Examples:
  $ tunesmith runs export my-run --output figures.csv
  $ tunesmith runs export my-run --format tensorboard --output logs/my-run     then: tensorboard --logdir logs`;

/** @param toCsv null = files for TensorBoard. @returns the file. @throws file and disk faults */
async function writeFigures(
  details: RunDetails,
  toCsv: (() => Promise<string>) | null,
  output: string,
): Promise<string> {
  const { withFileErrors } = await import('../../jobs/file-errors.ts');
  if (toCsv === null) {
    const { writeTensorBoard } = await import('../../services/tensorboard-export.ts');
    return withFileErrors(output, () => writeTensorBoard(details, output));
  }
  const text = await toCsv();
  await withFileErrors(output, () => writeFile(output, text));
  return output;
}

function addRemoveCommand(runs: Command, run: RunAction): void {
  runs
    .command('remove <run>')
    .description('delete a run: its record and the files that it wrote')
    .action((name: string) =>
      run(async ({ reporter, services }) => {
        const removed = await (await services()).runs.remove(name);
        reporter.result({ id: removed.id, run_dir: removed.dir }, `Removed "${removed.name}" (${removed.dir})`);
      }),
    );
}

/** The configuration as JSON, not as text in JSON. */
function withParsedConfig({ config_json, ...run }: RunRecord): object {
  return { ...run, config: JSON.parse(config_json) as unknown };
}

function describeList(runs: readonly RunRecord[]): string {
  const rows = runs.map((run) => [
    run.id,
    run.state,
    run.name,
    run.model_name,
    run.method_summary,
    run.total_steps === null ? '-' : `${run.step}/${run.total_steps}`,
    formatFigure(run.best_eval_loss ?? run.eval_loss ?? run.final_loss),
    formatDuration(run.elapsed_ms),
  ]);
  return formatTable(['ID', 'STATE', 'NAME', 'MODEL', 'METHOD', 'STEPS', 'LOSS', 'TIME'], rows);
}

function describeDetails({ run, evaluations, checkpoints, samples, notices }: RunDetails): string {
  const best = run.best_step === null ? '' : ` (best ${formatFigure(run.best_eval_loss)} at step ${run.best_step})`;
  const rows = [
    ['State', run.error_message === null ? run.state : `${run.state}: ${run.error_message}`],
    ['Folder', run.dir],
    ['Model', run.model_path],
    ['Data', run.data_summary],
    ['Method', run.method_summary],
    ['Steps', `${run.step} of ${run.total_steps ?? '?'}, ${formatDuration(run.elapsed_ms)}`],
    ['Loss', formatFigure(run.final_loss)],
    ['Held-out loss', `${formatFigure(run.eval_loss)}${best}`],
    ['Peak memory', run.peak_memory_bytes === null ? '-' : formatBytes(run.peak_memory_bytes)],
    ['Started', formatTime(run.started_at)],
    ['Engine', run.engine ?? '-'],
    ['Result', run.adapter_dir ?? '-'],
    ['Tags', run.tags.join(', ') || '-'],
    ['Evaluations', evaluations.map(({ step, eval_loss }) => `${step}: ${formatFigure(eval_loss)}`).join('  ') || '-'],
    ['Checkpoints', checkpoints.map(({ step, best: isBest }) => `${step}${isBest ? ' (best)' : ''}`).join('  ') || '-'],
    ...notices.map(({ step, message }) => ['Notice', `step ${step}: ${message}`]),
    ...samples.map(({ step, prompt, answer }) => ['Sample', `step ${step}: "${prompt}" -> "${answer}"`]),
  ];
  return formatTable(['Run', `${run.name} (${run.id})`], rows);
}

function describeComparison(runs: readonly RunRecord[], differences: readonly ConfigDifference[]): string {
  const line = (label: string, value: (run: RunRecord) => string) => [label, ...runs.map(value)];
  const rows = [
    line('name', ({ name }) => name),
    line('state', ({ state }) => state),
    line('steps', ({ step }) => String(step)),
    line('loss', ({ final_loss }) => formatFigure(final_loss)),
    line('best held-out loss', ({ best_eval_loss }) => formatFigure(best_eval_loss)),
    line('time', ({ elapsed_ms }) => formatDuration(elapsed_ms)),
    line('peak memory', ({ peak_memory_bytes }) => (peak_memory_bytes === null ? '-' : formatBytes(peak_memory_bytes))),
    ...differences.map(({ path: setting, values }) => [setting, ...values.map((value) => value ?? '-')]),
  ];
  return formatTable(['', ...runs.map(({ id }) => id)], rows);
}
