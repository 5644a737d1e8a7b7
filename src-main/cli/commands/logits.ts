/** @file tunesmith logits */
import { type Command, Option } from 'commander';
import path from 'node:path';
import type { RunAction } from '../command.ts';
import { addModelFlags, type ModelFlags, readModelFlags, tokenList } from '../model-flags.ts';

interface LogitsFlags extends ModelFlags {
  readonly tokens?: number[];
  readonly text?: string;
  readonly decoderTokens?: number[];
  readonly out: string;
}

const EXAMPLES = `
Examples:
  $ tunesmith logits --model sample --tokens 1,2,3 --out logits.safetensors
  $ tunesmith logits --model sample --adapter my-run/adapter --text "Hello" --out logits.safetensors
  $ tunesmith logits --model flan-t5 --text "translate: Haus" --decoder-tokens 0,629 --out logits.safetensors`;

export function addLogitsCommand(parent: Command, run: RunAction): void {
  addModelFlags(parent.command('logits'))
    .description(
      'write the logits of a model for every position, as one f32 tensor [seq, vocab]; of an encoder-decoder [decoder seq, vocab]',
    )
    .addOption(new Option('--tokens <ids>', 'token ids: 1,2,3').argParser(tokenList).conflicts('text'))
    .option('--text <text>', 'text, through the model’s tokenizer')
    .addOption(
      new Option(
        '--decoder-tokens <ids>',
        'encoder-decoders: what the decoder reads; its start token if left out',
      ).argParser(tokenList),
    )
    .requiredOption('--out <file>', 'safetensors file to write')
    .addHelpText('after', EXAMPLES)
    .action((flags: LogitsFlags) =>
      run(async ({ reporter, services: open, signal }) => {
        const { reportWork } = await import('../report-work.ts');
        const services = await open();
        const input = await readInput(flags);
        const source = await readModelFlags(flags, services);
        const outputFile = path.resolve(flags.out);
        const request = { ...source, input, decoderTokens: flags.decoderTokens ?? null, outputFile };
        const { shape } = await services.inference.computeLogits(request, { signal, onEvent: reportWork(reporter) });
        reporter.result({ file: outputFile, shape }, `Wrote [${shape.join(', ')}] to ${outputFile}`);
      }),
    );
}

async function readInput({ tokens, text }: LogitsFlags) {
  if (tokens !== undefined) return { tokens };
  if (text !== undefined) return { text };
  const { AppError } = await import('../../../src-shared/domain/app-error.ts');
  throw new AppError('cli/bad-arguments', 'logits: no input', { hint: 'Give --tokens 1,2,3 or --text TEXT.' });
}
