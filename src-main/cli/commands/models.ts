/** @file tunesmith models list | import | remove */
import type { Command } from 'commander';
import { formatBytes, formatTable } from '../format.ts';
import type { RunAction } from '../command.ts';

export function addModelsCommand(parent: Command, run: RunAction): void {
  const models = parent.command('models').description('models to start from');
  models
    .command('list')
    .description('the sample and what was imported')
    .action(() =>
      run(async ({ reporter, services }) => {
        const list = await (await services()).models.list();
        const rows = list.map(({ name, model_type, size_bytes, path, usable }) => {
          return [name, model_type, formatBytes(size_bytes), usable ? path : `${path} (gone or damaged)`];
        });
        reporter.result({ models: list }, formatTable(['NAME', 'TYPE', 'SIZE', 'FOLDER'], rows));
      }),
    );
  models
    .command('import <dir>')
    .description('add a Hugging Face model folder to the list; it stays where it is')
    .option('--name <text>', 'name in the list; the folder name if left out')
    .addHelpText('after', '\nExample:\n  $ tunesmith models import ~/models/tiny-llama --name tiny')
    .action((dir: string, { name }: { name?: string }) =>
      run(async ({ reporter, services }) => {
        const model = await (await services()).models.importFolder(dir, name);
        reporter.result(model, `Added "${model.name}" (${model.model_type}, ${formatBytes(model.size_bytes)})`);
      }),
    );
  models
    .command('remove <model>')
    .description('take a model off the list; its folder stays')
    .action((model: string) =>
      run(async ({ reporter, services }) => {
        const removed = await (await services()).models.remove(model);
        reporter.result(removed, `Removed "${removed.name}" from the list; ${removed.path} is still there.`);
      }),
    );
}
