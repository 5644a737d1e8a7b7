/**
 * @file Our engine's recipes in the test's own process: suites of many small models would spend their time on starting processes.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { requireWriter } from '../../../src-main/engine/models/registry.ts';
import type { CheckpointToSave, EngineHost, FileSet } from '../../../src-main/engine/recipes/contract.ts';
import { decode } from '../../../src-main/engine/recipes/decode.ts';
import { fineTune } from '../../../src-main/engine/recipes/fine-tune.ts';
import { openInferenceSession } from '../../../src-main/engine/recipes/inference-session.ts';
import { cacheVariables, generateEntries } from '../../../src-main/engine/steps/generate-step.ts';
import { locateRuntime } from '../../../src-main/services/runtime-locator.ts';
import type { RunEvent, StepEvent } from '../../../src-shared/domain/run-events.ts';
import { parseRunConfig } from '../../../src-shared/schema/run-config.ts';

/** @param report takes every event @throws where no runtime is installed */
export async function makeHost(report: (event: RunEvent) => void = () => {}): Promise<EngineHost> {
  const runtime = await locateRuntime();
  if (runtime === null) throw new Error('the TensorFlow runtime is not installed: run `npm run setup`');
  const { signal } = new AbortController();
  return { bindingPath: runtime.bindingPath, now: () => performance.now(), signal, report };
}

/** Greedy continuations of prompts, one batch; no token ends an answer. */
export async function continueGreedily(
  modelDir: string,
  prompts: readonly (readonly number[])[],
  maxNewTokens: number,
): Promise<number[][]> {
  const session = await openInferenceSession(await makeHost(), { modelDir, adapterDir: null }, (parts) => ({
    entries: generateEntries({ ...parts, model: requireWriter(parts.model) }),
    scratch: cacheVariables(requireWriter(parts.model), parts.plan),
  }));
  try {
    const { program } = session;
    const model = requireWriter(session.model);
    const choose = (logits: Float32Array): number => logits.indexOf(Math.max(...logits));
    const options = { program, model, prompts, maxNewTokens, padTokenId: 0, choose, isEnd: () => false };
    return (await decode(options)).map(({ tokens }) => [...tokens]);
  } finally {
    session.dispose();
  }
}

/**
 * Trains as the configuration says; checkpoints are left out, the final adapter is written.
 * @param onSave sees the checkpoint that a run ends with
 * @returns every step's figures
 */
export async function trainInProcess(
  runDir: string,
  config: unknown,
  onSave: (checkpoint: CheckpointToSave) => void = () => {},
): Promise<StepEvent[]> {
  const steps: StepEvent[] = [];
  const host = await makeHost((event) => {
    if (event.event === 'step') steps.push(event);
  });
  await fineTune({
    host,
    config: parseRunConfig(config),
    runDir,
    checkpoints: {
      requireSpace: async () => {},
      async save(checkpoint) {
        onSave(checkpoint);
        return { ...checkpoint, dir: runDir, files: [] };
      },
      loadBest: async () => null,
      writeFinal: (files) => writeFiles(path.join(runDir, 'adapter'), files),
    },
    resume: null,
    setResolved: async () => {},
  });
  return steps;
}

async function writeFiles(dir: string, files: FileSet): Promise<string> {
  await mkdir(dir, { recursive: true });
  for (const [name, content] of files) await writeFile(path.join(dir, name), content);
  return dir;
}

/** What a run leaves of the loss that it began with: its last epoch over its first. @param perEpoch steps of an epoch */
export function lossLeft(steps: readonly StepEvent[], perEpoch: number): number {
  const mean = (part: readonly StepEvent[]): number => part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
  return mean(steps.slice(-perEpoch)) / mean(steps.slice(0, perEpoch));
}
