/** @file tunesmith demo */
import type { Command } from 'commander';
import type { RunAction } from '../command.ts';

const ABOUT = `
Fine-tunes the sample model that comes with Tunesmith on the sample data, shows the same prompts before and after, exports the
adapter for PEFT and checks that the exported one answers the same. Takes a few minutes on two processor cores.

Example:
  $ tunesmith demo`;

export function addDemoCommand(parent: Command, run: RunAction): void {
  parent
    .command('demo')
    .description('see a model learn a task, from start to finish')
    .addHelpText('after', ABOUT)
    .action(() => run(async (context) => (await import('../show-demo.ts')).showDemo(context)));
}
