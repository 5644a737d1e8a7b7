/** @file tunesmith serve */
import type { Command } from 'commander';
import { once } from 'node:events';
import path from 'node:path';
import about from '../../../package.json' with { type: 'json' };
import type { RunAction } from '../command.ts';
import type { CommandContext } from '../context.ts';
import { numberIn } from '../model-flags.ts';

interface ServeFlags {
  readonly port?: number;
  readonly folder: readonly string[];
}

/** Taken where it is free, so that the address stays the same from day to day. */
const USUAL_PORT = 7410;

const EXAMPLES = `
Examples:
  $ tunesmith serve
  $ tunesmith serve --port 8000 --folder ~/models --folder ~/data

The printed link holds the key to this start; without it the page does not work. Ctrl-C saves the run at work and ends.`;

export function addServeCommand(parent: Command, run: RunAction): void {
  parent
    .command('serve')
    .description('open the app in a browser on this machine')
    .option('--port <n>', `${USUAL_PORT} if it is free, else any`, numberIn(0, 65_535, true))
    .option(
      '--folder <dir>',
      'a folder with models or data to choose from; may be repeated',
      (folder, all: string[]) => [...all, folder],
      [],
    )
    .addHelpText('after', EXAMPLES)
    .action((flags: ServeFlags) => run((context) => serve(context, flags)));
}

async function serve({ reporter, env, signal, jobEntry }: CommandContext, flags: ServeFlags): Promise<void> {
  const [{ createCore }, { startSocketServer }, { PAGES_FOLDER }, { homeFolder }] = await Promise.all([
    import('../../transport/core.ts'),
    import('../../transport/socket-server.ts'),
    import('../../transport/pages-folder.ts'),
    import('../../services/app-paths.ts'),
  ]);
  const folders = flags.folder.map((folder) => path.resolve(folder));
  const core = createCore({ home: homeFolder(env), env, version: about.version, host: 'browser', folders, jobEntry });
  try {
    const start = (port: number) => startSocketServer({ core, pages: PAGES_FOLDER, port });
    const server = await (flags.port === undefined ? start(USUAL_PORT).catch(() => start(0)) : start(flags.port));
    reporter.event({ event: 'ready', url: server.url, port: server.port });
    if (!reporter.json) reporter.note(`Tunesmith is open at\n\n  ${server.url}\n\nCtrl-C ends it.`);
    if (!signal.aborted) await once(signal, 'abort');
    await server.close();
  } finally {
    await core.close();
  }
  reporter.result({ ended: true }, 'Ended.');
}
