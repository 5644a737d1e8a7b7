/** @file tunesmith train */
import type { Command } from 'commander';
import type { RunAction } from '../command.ts';
import { addTrainFlags, readTrainConfig, SETTINGS_HELP, type TrainFlags } from '../train-config.ts';

const EXAMPLES = `
Examples:
  $ tunesmith train --model sample --data rows.jsonl --output my-run
  $ tunesmith train --model sample --data rows.jsonl --dry-run      what would it take?
  $ tunesmith train --model ./llama --data a.csv b.csv --eval held-out.csv --output my-run \\
      --set peft.r=16 --set training.num_train_epochs=2 --set data.columns='{"prompt": "question"}'
  $ tunesmith train --config my-run/run.json --output another-run --set training.seed=7

Ctrl-C saves a checkpoint; \`tunesmith resume my-run\` goes on from there.`;

export function addTrainCommand(parent: Command, run: RunAction): void {
  addTrainFlags(parent.command('train'))
    .description('fine-tune a model on your data')
    .option('--output <dir>', 'folder of the run, new or empty; runs/<id> in the home folder if left out')
    .option('--dry-run', 'only try a few steps, and say what memory and time the run would take')
    .addHelpText('after', `${SETTINGS_HELP}\n${EXAMPLES}`)
    .action((flags: TrainFlags & { output?: string; dryRun?: boolean }) =>
      run(async (context) => {
        const [{ runTraining }, { measureTraining }] = await Promise.all([
          import('../run-training.ts'),
          import('../measure-training.ts'),
        ]);
        const services = await context.services();
        const config = await readTrainConfig(flags, services);
        if (flags.dryRun) return measureTraining(context, services, config);
        await runTraining(context, (following) => {
          return services.runs.start({ config, outputDir: flags.output, ...following });
        });
      }),
    );
}
