/**
 * @file The command that trains one of our arms through the product's own command line.
 */
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../scripts/setup/paths.mjs';
import { type OwnRun, ownConfig } from './own-config.ts';

/** Writes the configuration beside; an earlier run of the folder is removed. */
export function ownCommand(folder: string, run: OwnRun): string[] {
  const config = path.join(folder, 'ours.json');
  const output = path.join(folder, 'run');
  rmSync(output, { recursive: true, force: true });
  writeFileSync(config, JSON.stringify(ownConfig(run)));
  const script = path.join(REPO_ROOT, 'scripts/tunesmith.mjs');
  const files = ['--model', run.model, '--data', run.rows, '--output', output, '--config', config];
  return [process.execPath, script, 'train', ...files, '--json'];
}
