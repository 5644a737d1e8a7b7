/**
 * @file Finds the TensorFlow runtimes that set-up installed, and chooses the one that runs here.
 *
 * A runtime counts only with its record (runtime.json), which set-up writes last. Whether the library then loads is another
 * question, answered by runtime-probe.ts.
 */
import path from 'node:path';
import { runtimesRoot } from '../../scripts/setup/paths.mjs';
import { BINDING_FILE, readRuntimeRecord } from '../../scripts/setup/runtime-record.mjs';
import { runtimeSpec } from '../../scripts/setup/runtime-spec.mjs';
import { AppError } from '../../src-shared/domain/app-error.ts';

export type RuntimeKind = 'cpu' | 'cuda';
/** `wasm` is the engine for machines without TensorFlow. */
export type EngineChoice = RuntimeKind | 'wasm';

export interface InstalledRuntime {
  readonly kind: RuntimeKind;
  /** Version of TensorFlow. */
  readonly version: string;
  /** Absolute path of the native binding, what a job process loads. */
  readonly bindingPath: string;
  /** Absolute path of the runtime's folder. */
  readonly dir: string;
  /** Why set-up found that it does not run on this machine, else null. */
  readonly loadError: string | null;
}

/** CUDA first: its runtime works on the CPU too, where no card is found. */
const KINDS: readonly RuntimeKind[] = ['cuda', 'cpu'];
const CHOICES: readonly EngineChoice[] = ['cpu', 'cuda', 'wasm'];

/**
 * What the user asked for with `TUNESMITH_ENGINE`.
 * @returns null where nothing was asked for
 * @throws engine/unknown-choice
 */
export function readEngineChoice(env: NodeJS.ProcessEnv = process.env): EngineChoice | null {
  const text = env.TUNESMITH_ENGINE;
  if (!text) return null;
  const choice = CHOICES.find((candidate) => candidate === text);
  if (choice) return choice;
  const hint = `Use one of ${CHOICES.join(', ')}, or unset it.`;
  throw new AppError('engine/unknown-choice', `TUNESMITH_ENGINE is ${JSON.stringify(text)}`, { hint });
}

/** All complete runtimes of this user, the preferred one first. */
export async function findRuntimes(env: NodeJS.ProcessEnv = process.env): Promise<InstalledRuntime[]> {
  const found = await Promise.all(KINDS.map((kind) => findRuntime(kind, env)));
  return found.filter((runtime) => runtime !== null);
}

/**
 * The runtime that jobs load: the one asked for, else CUDA if it is installed, else CPU.
 * @returns null where there is none that runs here, or where wasm was asked for
 * @throws engine/unknown-choice, engine/runtime-missing (a runtime was asked for by name and is not there)
 */
export async function locateRuntime(env: NodeJS.ProcessEnv = process.env): Promise<InstalledRuntime | null> {
  const choice = readEngineChoice(env);
  if (choice === 'wasm') return null;
  const usable = (await findRuntimes(env)).filter((runtime) => runtime.loadError === null);
  if (choice === null) return usable[0] ?? null;
  const chosen = usable.find((runtime) => runtime.kind === choice);
  if (chosen) return chosen;
  throw new AppError('engine/runtime-missing', `TUNESMITH_ENGINE asks for ${choice}, which is not installed`, {
    kind: 'environment',
    hint: `Run \`${installCommand(choice)}\`, or unset TUNESMITH_ENGINE.`,
  });
}

/** The command that installs a runtime, as a person types it. */
export function installCommand(kind: RuntimeKind): string {
  return `node scripts/tunesmith.mjs engine install${kind === 'cuda' ? ' --cuda' : ''}`;
}

async function findRuntime(kind: RuntimeKind, env: NodeJS.ProcessEnv): Promise<InstalledRuntime | null> {
  const spec = runtimeSpec(kind);
  if (!spec) return null;
  const dir = path.join(runtimesRoot(env), spec.directory);
  const record = await readRuntimeRecord(dir);
  if (!record) return null;
  const { version, loadError } = record;
  return { kind, version, dir, bindingPath: path.join(dir, BINDING_FILE), loadError };
}
