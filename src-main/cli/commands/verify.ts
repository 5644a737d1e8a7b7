/** @file tunesmith verify */
import type { Command } from 'commander';
import path from 'node:path';
import { AppError, fromPlainError } from '../../../src-shared/domain/app-error.ts';
import {
  type ExportCertificate,
  type ExportVerdict,
  judgeExport,
} from '../../../src-shared/domain/export-certificate.ts';
import type { TaskType } from '../../../src-shared/schema/run-config.ts';
import type { RunAction } from '../command.ts';
import { formatBytes, formatFigure, formatTable } from '../format.ts';
import { numberIn } from '../model-flags.ts';

const EXAMPLES = `
Examples:
  $ tunesmith verify my-adapter --run my-run
  $ tunesmith verify my-model --run my-run --checkpoint 40

Reads every file back, loads the folder as another program would, and asks it the same as the run's own weights.
Ends with code 2 where it does not answer as the run does.`;

const VERDICTS: Readonly<Record<ExportVerdict, string>> = {
  same: 'It answers as the run does.',
  close: 'It answers nearly as the run does: rounding or fewer bits change some words.',
  different: 'It does not answer as the run does.',
  unchecked: 'Its answers could not be compared.',
};

export function addVerifyCommand(parent: Command, run: RunAction): void {
  parent
    .command('verify <export>')
    .description('check that an exported folder behaves as the run it was made from')
    .requiredOption('--run <run>', 'the run: folder, id, or the beginning of an id')
    .option('--checkpoint <step>', 'it was made from the checkpoint of this step', numberIn(0, Infinity, true))
    .addHelpText('after', EXAMPLES)
    .action((folder: string, { run: name, checkpoint }: { run: string; checkpoint?: number }) =>
      run(async ({ reporter, services: open, signal }) => {
        const { reportWork } = await import('../report-work.ts');
        const services = await open();
        const shown = await services.runs.show(name);
        const {
          run: record,
          base: _base,
          ...original
        } = await services.library.tuned(shown.run.id, checkpoint ?? null);
        const dir = path.resolve(folder);
        const wanted = { run: record, original, dir };
        const certificate = await services.exportChecks.compare(wanted, { signal, onEvent: reportWork(reporter) });
        const verdict = judgeExport(certificate);
        if (certificate.unchecked !== null) throw fromPlainError(certificate.unchecked);
        if (verdict === 'different') throw differs(dir, certificate);
        reporter.result(
          { verdict, dir, ...certificate },
          `${describe(certificate, record.task_type)}\n\n${VERDICTS[verdict]}`,
        );
      }),
    );
}

function describe({ files, behaviour }: ExportCertificate, task: TaskType): string {
  const listed = formatTable(
    ['File', 'Size', 'sha256'],
    files.map(({ name, bytes, sha256 }) => [name, formatBytes(bytes), sha256]),
  );
  if (behaviour === null) return listed;
  const { answers, positions, same_choice: share, largest_difference: largest, score_spread: spread } = behaviour;
  const same = answers.filter(({ original, written }) => original === written).length;
  const figures = formatTable(
    ['Same answers', `${same} of ${answers.length}`],
    [
      task === 'SEQ_CLS'
        ? ['Same class or number', `${Math.round(share * positions)} of ${positions} texts`]
        : ['Same likeliest next token', `${Math.round(share * positions)} of ${positions} places`],
      ['Largest difference of a logit', `${formatFigure(largest)} (they vary by ${formatFigure(spread)})`],
    ],
  );
  return `${listed}\n\n${figures}`;
}

function differs(dir: string, certificate: ExportCertificate): AppError {
  const wrong = (certificate.behaviour?.answers ?? []).filter(({ original, written }) => original !== written);
  return new AppError('export/differs', `${dir} does not answer as the run does`, {
    hint: 'Do not use it. Check that --run and --checkpoint name what it was made from; if they do, this format changes too much: export with more bits, or as peft.',
    faults: wrong.map(({ prompt, original, written }) => ({
      message: `"${prompt}" is answered "${written}", not "${original}"`,
    })),
  });
}
