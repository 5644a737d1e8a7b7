/** @file tunesmith merge */
import { type Command, Option } from 'commander';
import path from 'node:path';
import type { MergeOptions } from '../../engine/recipes/contract.ts';
import { formatBytes } from '../format.ts';
import type { RunAction } from '../command.ts';

interface MergeFlags {
  readonly model: string;
  readonly adapter: string;
  readonly output: string;
  readonly dtype?: NonNullable<MergeOptions['dtype']>;
}

export function addMergeCommand(parent: Command, run: RunAction): void {
  parent
    .command('merge')
    .description('write model and adapter as one ordinary model folder')
    .requiredOption('--model <dir>', 'the model that the adapter was trained on')
    .requiredOption('--adapter <dir>', 'adapter folder')
    .requiredOption('--output <dir>', 'new or empty folder')
    .addOption(new Option('--dtype <type>', 'the model’s own if left out').choices(['f32', 'f16', 'bf16']))
    .addHelpText('after', '\nExample:\n  $ tunesmith merge --model sample --adapter my-run/adapter --output my-model')
    .action((flags: MergeFlags) =>
      run(async ({ reporter, services: open, signal }) => {
        const { reportWork } = await import('../report-work.ts');
        const services = await open();
        const request = {
          modelDir: await services.models.resolveFolder(flags.model),
          adapterDir: path.resolve(flags.adapter),
          outputDir: path.resolve(flags.output),
          dtype: flags.dtype ?? null,
        };
        const written = await services.exports.merge(request, { signal, onEvent: reportWork(reporter) });
        reporter.result(written, `Wrote ${formatBytes(written.bytes)} to ${written.dir}`);
      }),
    );
}
