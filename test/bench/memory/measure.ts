/**
 * @file Peak memory of one configuration: measured by a run of the command line, estimated as the engine would now.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { REPO_ROOT } from '../../../scripts/setup/paths.mjs';
import { planRun } from '../../../src-main/engine/recipes/plan-run.ts';
import { createHistory } from '../../../src-main/services/history.ts';
import { locateRuntime } from '../../../src-main/services/runtime-locator.ts';
import { listRuns } from '../../../src-main/store/runs.ts';
import { parseRunConfig } from '../../../src-shared/schema/run-config.ts';
import { type Configuration, executionOf, settingsOf } from './configurations.ts';
import { writeModel, writeRows } from './random-files.ts';

/** @returns bytes, of the job's process from its beginning to its end */
export async function measurePeak(folder: string, configuration: Configuration): Promise<number> {
  const files = ['--model', await writeModel(folder, configuration.model), '--data', writeRows(folder, configuration)];
  const output = path.join(folder, 'run');
  const home = path.join(folder, 'home');
  // A home without runs: nothing is corrected by them.
  for (const dir of [output, home]) rmSync(dir, { recursive: true, force: true });
  const settings = Object.entries(settingsOf(configuration)).flatMap(([name, value]) => [
    '--set',
    `${name}=${JSON.stringify(value)}`,
  ]);
  const script = path.join(REPO_ROOT, 'scripts/tunesmith.mjs');
  const args = [script, 'train', ...files, ...settings, '--output', output, '--json'];
  const env = { ...process.env, ...executionOf(configuration), TUNESMITH_HOME: home };
  const { stdout, status } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}\n${stdout.trim().split('\n').at(-1)}`);
  const history = createHistory({ home, onNotice: () => {} });
  try {
    return listRuns(await history.open())[0]!.peak_memory_bytes!;
  } finally {
    await history.close();
  }
}

/** @returns bytes */
export async function estimatePeak(folder: string, configuration: Configuration): Promise<number> {
  const sections: Record<string, Record<string, unknown>> = {
    model: { path: await writeModel(folder, configuration.model) },
    data: { train: writeRows(folder, configuration) },
  };
  for (const [name, value] of Object.entries(settingsOf(configuration))) {
    const [section, field] = name.split('.') as [string, string];
    sections[section] = { ...sections[section], [field]: value };
  }
  Object.assign(process.env, executionOf(configuration));
  const runtime = await locateRuntime();
  const { signal } = new AbortController();
  const host = { bindingPath: runtime!.bindingPath, now: () => performance.now(), signal, report: () => {} };
  return (await planRun({ host, config: parseRunConfig(sections) })).memory.peak_bytes;
}
