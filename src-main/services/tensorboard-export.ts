/**
 * @file A run's figures as TensorBoard shows them: tags as Hugging Face's Trainer names them, each step at its computing time.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeTfEvents, type ScalarEvent, tfEventsFileName } from '../engine/formats/tfevents.ts';
import type { RunDetails } from './run-details.ts';

const STEP_FIGURES = ['loss', 'learning_rate', 'grad_norm', 'tokens_per_second', 'tokens', 'memory_bytes'] as const;
/** Named as the program, not as the machine: the file is made to be passed on. */
const HOST = 'tunesmith';

/** Figures of all steps and evaluations, in the order of the steps. */
export function listScalars({ run, metrics, evaluations }: RunDetails): ScalarEvent[] {
  const elapsedMs = new Map(metrics.map(({ step, elapsed_ms }) => [step, elapsed_ms]));
  const secondsAt = (step: number): number => {
    const before = metrics.filter((metric) => metric.step <= step).at(-1);
    return (run.created_at + (elapsedMs.get(step) ?? before?.elapsed_ms ?? 0)) / 1000;
  };
  const event = (step: number, group: string, figures: Readonly<Record<string, number | null>>): ScalarEvent => {
    const known = Object.entries(figures).filter((entry): entry is [string, number] => entry[1] !== null);
    const scalars = Object.fromEntries(known.map(([name, value]) => [`${group}/${name}`, value]));
    return { step, wallTimeSeconds: secondsAt(step), scalars };
  };
  const steps = metrics.map((metric) => {
    const figures = STEP_FIGURES.map((name) => [name, metric[name]] as const);
    return event(metric.step, 'train', { ...Object.fromEntries(figures), epoch: metric.epoch });
  });
  const evals = evaluations.map(({ step, eval_loss, perplexity, metrics: others }) =>
    event(step, 'eval', { loss: eval_loss, perplexity, ...others }),
  );
  return [...steps, ...evals].sort((a, b) => a.step - b.step);
}

/** Writes one event file into `dir`, which TensorBoard is then pointed at. @returns the file */
export async function writeTensorBoard(details: RunDetails, dir: string): Promise<string> {
  const file = path.join(dir, tfEventsFileName(details.run.created_at / 1000, HOST));
  await mkdir(dir, { recursive: true });
  await writeFile(file, encodeTfEvents(listScalars(details)));
  return file;
}
