/** @file tunesmith export */
import { type Command, Option } from 'commander';
import path from 'node:path';
import type { ExportOptions } from '../../engine/recipes/contract.ts';
import { formatBytes } from '../format.ts';
import type { RunAction } from '../command.ts';

interface ExportFlags {
  readonly model: string;
  readonly adapter: string;
  readonly format: ExportOptions['format'];
  readonly output: string;
}

const EXAMPLE = '$ tunesmith export --model sample --adapter my-run/adapter --format peft --output my-adapter';

export function addExportCommand(parent: Command, run: RunAction): void {
  parent
    .command('export')
    .description('write a result in a format that other programs load')
    .requiredOption('--model <dir>', 'the model that the adapter was trained on')
    .requiredOption('--adapter <dir>', 'adapter folder')
    .addOption(
      new Option('--format <name>', 'peft: adapter for PEFT and transformers').choices(['peft']).makeOptionMandatory(),
    )
    .requiredOption('--output <dir>', 'new or empty folder')
    .addHelpText('after', `\nExample:\n  ${EXAMPLE}`)
    .action((flags: ExportFlags) =>
      run(async ({ reporter, services: open, signal }) => {
        const { reportWork } = await import('../report-work.ts');
        const services = await open();
        const request = {
          modelDir: await services.models.resolveFolder(flags.model),
          adapterDir: path.resolve(flags.adapter),
          format: flags.format,
          outputDir: path.resolve(flags.output),
        };
        const written = await services.exports.export(request, { signal, onEvent: reportWork(reporter) });
        reporter.result(written, `Wrote ${formatBytes(written.bytes)} to ${written.dir}`);
      }),
    );
}
