/** @file tunesmith queue list | add | remove | run */
import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';
import { formatTable, formatTime } from '../format.ts';
import type { RunAction } from '../command.ts';
import { addTrainFlags, readTrainConfig, SETTINGS_HELP, type TrainFlags } from '../train-config.ts';

export function addQueueCommand(parent: Command, run: RunAction): void {
  const queue = parent.command('queue').description('runs to be done one after the other');
  queue
    .command('list')
    .description('what waits and what was done')
    .action(() =>
      run(async ({ reporter, services }) => {
        const items = await (await services()).queue.list();
        const rows = items.map(({ id, state, name, added_at, error_message }) => {
          return [id.slice(0, 8), state, name, formatTime(added_at), error_message ?? ''];
        });
        const text =
          items.length === 0 ? 'The queue is empty.' : formatTable(['ID', 'STATE', 'NAME', 'ADDED', ''], rows);
        reporter.result({ items }, text);
      }),
    );
  addTrainFlags(queue.command('add'))
    .description('append a run; takes the flags of `train`')
    .addHelpText('after', SETTINGS_HELP)
    .action((flags: TrainFlags) =>
      run(async ({ reporter, services: open }) => {
        const services = await open();
        const config = await readTrainConfig(flags, services);
        await requireFiles(config);
        const item = await services.queue.add(config);
        reporter.result(item, `Added "${item.name}" at position ${item.position} (${item.id.slice(0, 8)})`);
      }),
    );
  queue
    .command('remove <item>')
    .description('take a run off the queue')
    .action((item: string) =>
      run(async ({ reporter, services }) => {
        const removed = await (await services()).queue.remove(item);
        reporter.result(removed, `Removed "${removed.name}"`);
      }),
    );
  addRunCommand(queue, run);
}

/** A run whose turn comes at night must not fail for a path that is wrong now. @throws data/missing-file with all of them */
async function requireFiles({ data }: RunConfig): Promise<void> {
  const paths = [...data.train, ...(data.eval ?? [])];
  const missing = paths.filter((file) => !existsSync(file));
  if (missing.length === 0) return;
  const { AppError } = await import('../../../src-shared/domain/app-error.ts');
  throw new AppError('data/missing-file', `There is no file ${missing.join(', ')}`, {
    faults: missing.map((file) => ({ file, message: 'there is no such file' })),
    hint: 'Check the paths.',
  });
}

function addRunCommand(queue: Command, run: RunAction): void {
  queue
    .command('run')
    .description('do what waits; Ctrl-C saves the run at work and ends')
    .action(() =>
      run(async (context) => {
        const [{ followTraining }, { Interrupted }] = await Promise.all([
          import('../training-progress.ts'),
          import('../../../src-shared/domain/app-error.ts'),
        ]);
        const { reporter, signal } = context;
        const services = await context.services();
        const progress = followTraining(reporter);
        context.onForce(() => services.runs.active().forEach((active) => active.kill()));
        const count = await services.queue.runAll({
          signal,
          onItem: ({ name }) => reporter.note(`Starting "${name}"`, 'queue/started'),
          onWait: ({ message, code }) => reporter.note(message, code),
          onEvent: ({ at: _at, ...event }) => progress.take(event),
        });
        if (signal.aborted) throw new Interrupted('Stopped. `tunesmith runs list` shows what can be resumed.');
        const items = await services.queue.list();
        reporter.result({ runs: count, items }, `${count} run(s) done; \`tunesmith queue list\` shows how they ended.`);
      }),
    );
}
