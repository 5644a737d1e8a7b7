/** @file tunesmith generate */
import { type Command, Option } from 'commander';
import type { RunAction } from '../command.ts';
import { addModelFlags, type ModelFlags, numberIn, readModelFlags } from '../model-flags.ts';

interface GenerateFlags extends ModelFlags {
  readonly prompt?: string;
  readonly chat?: string;
  readonly system?: string;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly stop: string[];
}

const EXAMPLES = `
Examples:
  $ tunesmith generate --model sample --prompt "Once upon a time"
  $ tunesmith generate --model sample --adapter my-run/adapter --chat "Sort this message" --max-new-tokens 64
  $ tunesmith generate --model sample --prompt "The" --temperature 0.8 --top-p 0.95 --seed 7`;

export function addGenerateCommand(parent: Command, run: RunAction): void {
  addModelFlags(parent.command('generate'))
    .description('write an answer with a model, tuned or not')
    .addOption(new Option('--prompt <text>', 'text to go on from, taken as it is').conflicts('chat'))
    .option('--chat <text>', 'a message to answer, put through the model’s chat template')
    .option('--system <text>', 'system message before --chat')
    .option('--max-new-tokens <n>', 'longest answer', numberIn(1, Infinity, true), 128)
    .option('--temperature <t>', '0 takes the likeliest token each time', numberIn(0), 0)
    .option('--top-p <p>', 'choose among the likeliest tokens that make up this share', numberIn(0, 1), 1)
    .option('--seed <n>', 'same seed, same answer', numberIn(0, 2 ** 31 - 1, true), 42)
    .option('--stop <text>', 'end the answer here; may be repeated', (text, all: string[]) => [...all, text], [])
    .addHelpText('after', EXAMPLES)
    .action((flags: GenerateFlags) =>
      run(async (context) => {
        const { generateAnswer } = await import('../generate-answer.ts');
        const services = await context.services();
        const source = await readModelFlags(flags, services);
        const { maxNewTokens, temperature, topP, seed, stop } = flags;
        const request = { input: await readInput(flags), maxNewTokens, temperature, topP, seed, stop };
        await generateAnswer(context, services, source, request);
      }),
    );
}

async function readInput({ prompt, chat, system }: GenerateFlags) {
  if (prompt !== undefined) return { prompt };
  if (chat !== undefined) {
    const first = system === undefined ? [] : [{ role: 'system', content: system }];
    return { messages: [...first, { role: 'user', content: chat }] };
  }
  const { AppError } = await import('../../../src-shared/domain/app-error.ts');
  throw new AppError('cli/bad-arguments', 'generate: no text to go on from', {
    hint: 'Give --prompt TEXT, or --chat TEXT for a model with a chat template.',
  });
}
