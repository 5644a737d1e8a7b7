/**
 * @file Entry of the command line program; started under Node 24 by scripts/tunesmith.mjs.
 */
import { runCli } from './program.ts';

// A reader that has seen enough (`| head`) closes the pipe; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
const { stdout, stderr, env } = process;
process.exitCode = await runCli(process.argv.slice(2), { env, stdout, stderr });
