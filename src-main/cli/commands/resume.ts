/** @file tunesmith resume */
import type { Command } from 'commander';
import type { RunAction } from '../command.ts';
import { numberIn } from '../model-flags.ts';

const EXAMPLES = `
Examples:
  $ tunesmith resume my-run
  $ tunesmith resume 20300101-120000-ab12
  $ tunesmith resume my-run --set training.num_train_epochs=5       train a finished run further
  $ tunesmith resume my-run --checkpoint 40 --set training.learning_rate=1e-4     go back and try again

What came after --checkpoint is kept as a run of its own; a note says where.
Without --set a resumed run ends with the same bytes as one that was never stopped.`;

export function addResumeCommand(parent: Command, run: RunAction): void {
  parent
    .command('resume <run>')
    .description('go on with a run from its newest checkpoint (folder, id, or the beginning of an id)')
    .option('--set <path=value>', 'change a setting; may be repeated', (value, all: string[]) => [...all, value], [])
    .option('--checkpoint <step>', 'go back to the checkpoint of this step', numberIn(0, Infinity, true))
    .addHelpText('after', EXAMPLES)
    .action((name: string, { set: settings, checkpoint }: { set: string[]; checkpoint?: number }) =>
      run(async (context) => {
        const { runTraining } = await import('../run-training.ts');
        const services = await context.services();
        const options = { settings, checkpoint: checkpoint ?? null };
        await runTraining(context, (following) => services.runs.resume(name, { ...options, ...following }));
      }),
    );
}
