/**
 * @file How a command's file and the program meet.
 */
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

/** Runs a command's work with a context, and takes the context away afterwards. */
export type RunAction = (work: (context: CommandContext) => Promise<void>) => Promise<void>;
/** Declares one command (and its subcommands); what it needs to run is loaded when it runs. */
export type AddCommand = (parent: Command, run: RunAction) => void;
