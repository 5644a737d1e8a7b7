/** @file tunesmith models list | search | pull | import | remove | folder */
import type { Command } from 'commander';
import path from 'node:path';
import type { RunAction } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { describeFit, describeFound, describeList } from '../describe-models.ts';
import { showDownload } from '../download-progress.ts';
import { formatBytes, formatDuration } from '../format.ts';
import { numberIn } from '../model-flags.ts';

const PULL_HELP = `
Only what training needs is downloaded: configuration, tokenizer, safetensors. Each file is checked before it counts. What was cut
off, by Ctrl-C or by the power, goes on where it stopped when the same command is given again.

HF_TOKEN is the token for gated models, HF_ENDPOINT the address of a mirror, HTTPS_PROXY a proxy, HF_HUB_OFFLINE=1 forbids the network.

Examples:
  $ tunesmith models pull HuggingFaceTB/SmolLM2-135M-Instruct
  $ tunesmith models pull Qwen/Qwen2.5-0.5B --revision main --dir ~/models/qwen`;

export function addModelsCommand(parent: Command, run: RunAction): void {
  const models = parent.command('models').description('models to start from, on this machine and on the hub');
  addListCommand(models, run);
  addSearchCommand(models, run);
  addPullCommand(models, run);
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
  addRemoveCommand(models, run);
  addFolderCommand(models, run);
}

function addListCommand(models: Command, run: RunAction): void {
  models
    .command('list')
    .description(
      'the sample, what was imported or downloaded, what was found on this machine, downloads that were cut off',
    )
    .action(() =>
      run(async ({ reporter, services: open }) => {
        const services = await open();
        const [list, downloads] = await Promise.all([services.models.list(), services.downloads.list()]);
        const unfinished = downloads.map(({ model, done_bytes, total_bytes, state, dir, error }) => {
          const why = error === null ? '' : `: ${error.message}`;
          return `${model}  ${formatBytes(done_bytes)} of ${formatBytes(total_bytes)}  ${state}${why}  ${dir}`;
        });
        const rest = unfinished.length === 0 ? [] : ['', 'Not finished (`models pull` goes on):', ...unfinished];
        reporter.result({ models: list, downloads }, [describeList(list), ...rest].join('\n'));
      }),
    );
}

function addSearchCommand(models: Command, run: RunAction): void {
  models
    .command('search <words...>')
    .description('look for models on the hub, most downloaded first')
    .option('--limit <n>', 'how many', numberIn(1, 100, true))
    .addHelpText('after', '\nExample:\n  $ tunesmith models search smollm2 instruct')
    .action((words: string[], { limit }: { limit?: number }) =>
      run(async ({ reporter, services, signal }) => {
        const request = { query: words.join(' '), signal, ...(limit !== undefined && { limit }) };
        const onWait = showDownload(reporter).wait;
        const found = await (await services()).hub.search({ ...request, onWait });
        reporter.result({ query: request.query, models: found }, describeFound(found));
      }),
    );
}

interface PullFlags {
  readonly revision?: string;
  readonly dir?: string;
}

function addPullCommand(models: Command, run: RunAction): void {
  models
    .command('pull <model>')
    .description('download a model from the hub, or go on with it')
    .option('--revision <name>', 'branch, tag or commit; the newest of `main` if left out')
    .option('--dir <dir>', 'folder that becomes the model; one in the models folder if left out')
    .addHelpText('after', PULL_HELP)
    .action((model: string, flags: PullFlags) => run((context) => pull(context, model, flags)));
}

async function pull({ reporter, services, signal }: CommandContext, model: string, flags: PullFlags): Promise<void> {
  const shown = showDownload(reporter);
  const started = performance.now();
  const { downloads } = await services();
  const pulled = await downloads.pull(
    { model, ...flags, signal, onWait: shown.wait },
    { onStart: shown.start, onProgress: shown.take },
  );
  const elapsed_ms = Math.round(performance.now() - started);
  const size = formatBytes(pulled.size_bytes);
  const what = pulled.already
    ? `${pulled.name} is on this machine already: ${pulled.path}`
    : `${pulled.name} is here: ${pulled.path} (${size} in ${formatDuration(elapsed_ms)})`;
  const licence = pulled.licence === null ? '' : `\nLicence: ${pulled.licence}`;
  reporter.result({ ...pulled, elapsed_ms }, `${what}${licence}\nOn this machine it ${describeFit(pulled.fit)}`);
}

function addRemoveCommand(models: Command, run: RunAction): void {
  models
    .command('remove <model>')
    .description('take a model off the list; the files of a download are deleted, all other folders stay')
    .option('--keep-files', 'of a download, too')
    .action((model: string, { keepFiles = false }: { keepFiles?: boolean }) =>
      run(async ({ reporter, services }) => {
        const removed = await (await services()).models.remove(model, { keepFiles });
        const { name, path: folder, freed_bytes, runs } = removed;
        const freed = `Deleted "${name}" (${folder}): ${formatBytes(freed_bytes)} are free again.`;
        const kept = `Removed "${name}" from the list; ${folder} is still there.`;
        const missed = freed_bytes > 0 && runs > 0 ? `\n${runs} run(s) started from it and need it to go on.` : '';
        reporter.result(removed, (freed_bytes > 0 ? freed : kept) + missed);
      }),
    );
}

interface FolderFlags {
  readonly move?: boolean;
  readonly look: readonly string[];
}

const FOLDER_HELP = `
Without --move, models that are here already stay where they are and stay in the list.

Examples:
  $ tunesmith models folder                             where do downloads go?
  $ tunesmith models folder /data/models --move
  $ tunesmith models folder --look ~/lm-studio          also list the models of a folder`;

function addFolderCommand(models: Command, run: RunAction): void {
  models
    .command('folder [dir]')
    .description('where downloads go; with a folder: let them go there')
    .option('--move', 'and move the ones that are here')
    .option('--look <dir>', 'a folder to look through for models; may be repeated', collect, [])
    .addHelpText('after', FOLDER_HELP)
    .action((dir: string | undefined, flags: FolderFlags) => run((context) => setFolder(context, dir, flags)));
}

async function setFolder(context: CommandContext, dir: string | undefined, flags: FolderFlags): Promise<void> {
  const { reporter, signal } = context;
  const { modelsFolder, settings, access } = await context.services();
  if (flags.look.length > 0) {
    const known = (await settings.read()).model_places;
    const places = flags.look.map((place) => path.resolve(place));
    await settings.change({ model_places: [...new Set([...known, ...places])] });
  }
  if (dir !== undefined && flags.move) {
    const planned = await modelsFolder.plan(dir);
    const size = formatBytes(planned.total_bytes);
    reporter.note(`Moving ${planned.models.length} model(s), ${size}, to ${planned.to}`, 'models/moving');
    const onProgress = (phase: string, fraction: number) => reporter.status(`${phase} ${Math.round(fraction * 100)} %`);
    await modelsFolder.move(dir, { signal, onProgress });
  } else if (dir !== undefined) await settings.change({ models_folder: path.resolve(dir) });
  const { models_folder, free_bytes } = await access.view();
  const { model_places } = await settings.read();
  const places = model_places.map((place) => `\nLooked through: ${place}`).join('');
  const text = `Downloads go to ${models_folder} (${formatBytes(free_bytes)} free)${places}`;
  reporter.result({ models_folder, free_bytes, model_places }, text);
}

function collect(text: string, all: readonly string[]): string[] {
  return [...all, text];
}
