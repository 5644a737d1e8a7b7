/** @file The command line program with jobs that have no engine. */
import { runCli } from '../../../../src-main/cli/program.ts';
import { FAKE_ENTRY } from '../../jobs/support/start-fake.ts';

const { stdout, stderr, env } = process;
process.exitCode = await runCli(process.argv.slice(2), { env, stdout, stderr, jobEntry: FAKE_ENTRY });
