/**
 * @file Which paths a window may name: those the person chose (in a dialog, by dropping, by uploading, at start), those the program
 * keeps itself, and those that the history, the list of models and the list of data files hold.
 *
 * A window shows only our own pages; should one ever be made to run foreign code, it still reads no file that nobody chose.
 */
import path from 'node:path';
import { AppError } from '../../src-shared/domain/app-error.ts';
import { CONTRACT_ERRORS } from '../../src-shared/contract/outcome.ts';
import type { RunConfig } from '../../src-shared/schema/run-config.ts';
import type { Services } from '../services/create-services.ts';

export interface PathGuard {
  /** From now on the path, and what lies below it, may be named. */
  allow(file: string): void;
  /** All paths of a configuration that core itself has shown. */
  allowConfig(config: PathsOfConfig): void;
  /** @returns the path, made plain. @throws path/refused */
  check(file: string): Promise<string>;
  /** @throws path/refused with every refused path */
  checkConfig(config: RunConfig): Promise<void>;
}

/** The part of a configuration that names files. */
export interface PathsOfConfig {
  readonly model?: { readonly path?: string };
  readonly data?: { readonly train?: readonly string[]; readonly eval?: readonly string[] | null };
  readonly peft?: { readonly adapter_path?: string | null };
}

export function createPathGuard(services: Services, folders: readonly string[]): PathGuard {
  const allowed = new Set([services.home, services.resources, ...folders].map((folder) => path.resolve(folder)));

  async function isAllowed(file: string): Promise<boolean> {
    if (!path.isAbsolute(file)) return false;
    if (isBelow(path.resolve(file), allowed)) return true;
    return isBelow(path.resolve(file), await services.library.knownPaths());
  }

  async function refuse(files: readonly string[]): Promise<void> {
    const checked = await Promise.all(files.map(async (file) => ({ file, ok: await isAllowed(file) })));
    const refused = checked.filter(({ ok }) => !ok);
    if (refused.length === 0) return;
    throw new AppError(CONTRACT_ERRORS.pathRefused, `${refused.map(({ file }) => file).join(', ')}: not chosen yet`, {
      hint: 'Choose the file or folder again.',
      faults: refused.map(({ file }) => ({ file, message: 'was not chosen in this program' })),
    });
  }

  return {
    allow: (file) => allowed.add(path.resolve(file)),
    allowConfig: (config) => pathsOf(config).forEach((file) => allowed.add(path.resolve(file))),
    async check(file) {
      await refuse([file]);
      return path.resolve(file);
    },
    checkConfig: (config) => refuse(pathsOf(config)),
  };
}

function pathsOf({ model, data, peft }: PathsOfConfig): string[] {
  const files = [model?.path, ...(data?.train ?? []), ...(data?.eval ?? []), peft?.adapter_path];
  return files.filter((file) => typeof file === 'string');
}

function isBelow(file: string, roots: ReadonlySet<string>): boolean {
  for (let current = file; ; current = path.dirname(current)) {
    if (roots.has(current)) return true;
    if (current === path.dirname(current)) return false;
  }
}
