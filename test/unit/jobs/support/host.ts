/**
 * @file A stand-in for core that a test can kill: starts one fake run and prints the job's process id and its steps.
 * Arguments: run folder, behaviour, steps, milliseconds a step.
 */
import type { Behaviour } from './fake-recipe.ts';
import { startFakeRun } from './start-fake.ts';

const [runDir = '', behaviour, steps, stepMs] = process.argv.slice(2);
const job = startFakeRun(runDir, {
  behaviour: behaviour as Behaviour,
  steps: Number(steps),
  stepMs: Number(stepMs),
  onEvent: (event) => process.stdout.write(event.event === 'step' ? `step ${event.step}\n` : ''),
});
process.stdout.write(`job ${job.pid}\n`);
await job.result;
