/**
 * @file The commands, and one way through each: read the arguments, run, print, end with the right code.
 *
 * A command's file declares its options here at start-up; what it needs to run is loaded when it runs, so that `--help` is quick.
 */
import { Command, CommanderError, Option } from 'commander';
import about from '../../package.json' with { type: 'json' };
import { AppError } from '../../src-shared/domain/app-error.ts';
import { addDataCommand } from './commands/data.ts';
import { addDemoCommand } from './commands/demo.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEngineCommand } from './commands/engine.ts';
import { addEstimateCommand } from './commands/estimate.ts';
import { addEvaluateCommand } from './commands/evaluate.ts';
import { addExportCommand } from './commands/export.ts';
import { addGenerateCommand } from './commands/generate.ts';
import { addLogitsCommand } from './commands/logits.ts';
import { addMergeCommand } from './commands/merge.ts';
import { addModelsCommand } from './commands/models.ts';
import { addQuantizeReportCommand } from './commands/quantize-report.ts';
import { addQueueCommand } from './commands/queue.ts';
import { addResumeCommand } from './commands/resume.ts';
import { addRunsCommand } from './commands/runs.ts';
import { addServeCommand } from './commands/serve.ts';
import { addTrainCommand } from './commands/train.ts';
import { addVerifyCommand } from './commands/verify.ts';
import { type CliEnvironment, createContext } from './context.ts';
import type { AddCommand, RunAction } from './command.ts';
import { EXIT_DONE, exitCodeOf } from './exit-codes.ts';
import { createReporter } from './reporter.ts';

/** In the order of the help. */
const COMMANDS: readonly AddCommand[] = [
  addDoctorCommand,
  addEngineCommand,
  addDataCommand,
  addModelsCommand,
  addEstimateCommand,
  addTrainCommand,
  addResumeCommand,
  addGenerateCommand,
  addEvaluateCommand,
  addLogitsCommand,
  addQuantizeReportCommand,
  addMergeCommand,
  addExportCommand,
  addVerifyCommand,
  addRunsCommand,
  addQueueCommand,
  addServeCommand,
  addDemoCommand,
];

const EXAMPLES = `
Examples:
  $ tunesmith doctor                                    is everything here?
  $ tunesmith data inspect chats.jsonl                  what is in my file, and what is wrong with it?
  $ tunesmith train --model sample --data chats.jsonl --output my-run
  $ tunesmith generate --model sample --adapter my-run/adapter --chat "Hello"

Every command takes --json for output that programs read.`;

/**
 * @param args without node and script
 * @returns the exit code
 */
export async function runCli(args: readonly string[], environment: CliEnvironment): Promise<number> {
  const { env, stdout, stderr } = environment;
  const json = args.includes('--json');
  const reporter = createReporter({ json, stdout, stderr, debug: Boolean(env.TUNESMITH_DEBUG) });
  const program = createProgram(environment, async (work) => {
    const context = createContext({ environment, reporter });
    try {
      await work(context);
    } finally {
      await context.dispose();
    }
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT_DONE;
  } catch (error) {
    const explained = explainArguments(error);
    if (explained === null) return EXIT_DONE;
    reporter.error(explained);
    return exitCodeOf(explained);
  }
}

function createProgram({ stdout, stderr }: CliEnvironment, run: RunAction): Command {
  const program = new Command('tunesmith');
  program
    .description('Fine-tune language models on your own machine.')
    .version(about.version)
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .showSuggestionAfterError(true)
    .helpCommand(true)
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      // Faults in the arguments are reported like all others.
      outputError: () => {},
    });
  // Subcommands take over these settings when they are made, so they come first.
  for (const add of COMMANDS) add(program, run);
  forEachCommand(program, (command) => {
    command.addOption(new Option('--json', 'one JSON object a line on stdout'));
  });
  return program;
}

function forEachCommand(parent: Command, work: (command: Command) => void): void {
  for (const command of parent.commands) {
    if (command.commands.length === 0) work(command);
    forEachCommand(command, work);
  }
}

/** @returns null where help or the version was asked for and has been printed */
function explainArguments(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.exitCode === 0) return null;
  if (error.code === 'commander.help') {
    return new AppError('cli/no-command', 'A command is missing', { hint: '`tunesmith --help` lists them.' });
  }
  const message = error.message.replace(/^error: /, '');
  return new AppError('cli/bad-arguments', message, { hint: 'Add --help to the command to see what it takes.' });
}
