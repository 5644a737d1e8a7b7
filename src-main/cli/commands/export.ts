/** @file tunesmith export */
import { type Command, Option } from 'commander';
import path from 'node:path';
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { ExportOptions } from '../../engine/recipes/contract.ts';
import { formatBytes } from '../format.ts';
import type { RunAction } from '../command.ts';

interface ExportFlags {
  readonly model: string;
  readonly adapter?: string;
  readonly format: ExportOptions['format'];
  readonly quantization?: 'nf4' | 'int8';
  readonly doubleQuant: boolean;
  readonly dtype?: NonNullable<ExportOptions['dtype']>;
  readonly output: string;
}

const HELP = `
Formats:
  peft           the adapter, for PEFT and transformers
  safetensors    the model with the adapter merged in, for whatever loads Hugging Face models (--dtype)
  bitsandbytes   the same in 4 or 8 bits, for transformers with bitsandbytes (--quantization)

Examples:
  $ tunesmith export --model sample --adapter my-run/adapter --format peft --output my-adapter
  $ tunesmith export --model sample --adapter my-run/adapter --format bitsandbytes --quantization nf4 --output my-model`;

export function addExportCommand(parent: Command, run: RunAction): void {
  parent
    .command('export')
    .description('write a result in a format that other programs load')
    .requiredOption('--model <dir>', 'the model that the adapter was trained on')
    .option('--adapter <dir>', 'adapter folder; without it the model itself is written')
    .addOption(
      new Option('--format <name>', 'what to write')
        .choices(['peft', 'safetensors', 'bitsandbytes'])
        .makeOptionMandatory(),
    )
    .addOption(new Option('--quantization <method>', 'bitsandbytes: bits of a weight').choices(['nf4', 'int8']))
    .option('--no-double-quant', 'bitsandbytes nf4: keep the block maxima in f32')
    .addOption(new Option('--dtype <name>', 'safetensors: precision of the file').choices(['f32', 'f16', 'bf16']))
    .requiredOption('--output <dir>', 'new or empty folder')
    .addHelpText('after', HELP)
    .action((flags: ExportFlags) =>
      run(async ({ reporter, services: open, signal }) => {
        requireFitting(flags);
        const { reportWork } = await import('../report-work.ts');
        const services = await open();
        const { quantization: method, doubleQuant } = flags;
        const request = {
          modelDir: await services.models.resolveFolder(flags.model),
          adapterDir: flags.adapter === undefined ? null : path.resolve(flags.adapter),
          format: flags.format,
          outputDir: path.resolve(flags.output),
          dtype: flags.dtype ?? null,
          ...(method && { quantization: { method, double_quant: doubleQuant } }),
        };
        const written = await services.exports.export(request, { signal, onEvent: reportWork(reporter) });
        reporter.result(written, `Wrote ${formatBytes(written.bytes)} to ${written.dir}`);
      }),
    );
}

/** What another format has would be passed over in silence. @throws cli/bad-arguments */
function requireFitting({ format, quantization, doubleQuant, dtype }: ExportFlags): void {
  const foreign = [
    ...(format !== 'bitsandbytes' && quantization !== undefined ? ['--quantization'] : []),
    ...(format !== 'bitsandbytes' && !doubleQuant ? ['--no-double-quant'] : []),
    ...(format !== 'safetensors' && dtype !== undefined ? ['--dtype'] : []),
  ];
  if (foreign.length === 0) return;
  throw new AppError('cli/bad-arguments', `${foreign.join(' and ')} cannot be used with --format ${format}`, {
    hint: 'Leave it out, or choose the format that it belongs to: `tunesmith export --help` tells them.',
  });
}
