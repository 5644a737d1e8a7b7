/**
 * @file A program of its own: where the time of one of our steps goes. `anatomy-program.ts SPEC.json` prints one JSON object.
 *
 * A compiled step is one call, so its parts are timed as entries that the engine has anyway: `evaluate` is the forward pass and
 * the loss, keeping nothing; `accumulate` is forward and backward and adds gradients up; `apply` clips and updates. Their sum is not
 * exactly the step. JavaScript is what a step takes outside TensorFlow's session: batch, inputs, results.
 */
import { readFileSync } from 'node:fs';
import { type OwnRun, ownConfig } from '../own-config.ts';
import { median } from '../statistics.ts';
import { openStepSession, type StepSession } from '../step-session.ts';
import type { Anatomy } from './anatomy.ts';

interface Spec {
  readonly bindingPath: string;
  readonly run: OwnRun;
  /** Calls of each entry that count; as many as WARM_UP come before. */
  readonly calls: number;
}

const WARM_UP = 3;

async function main(): Promise<void> {
  const spec = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Spec;
  const whole = await timeWhole(spec);
  const parts = await timeParts(spec);
  process.stdout.write(`${JSON.stringify({ ...whole, ...parts } satisfies Anatomy)}\n`);
}

async function timeWhole({ bindingPath, run, calls }: Spec) {
  const opened = await openStepSession({ config: ownConfig(run), bindingPath });
  const { metered, session } = opened;
  const javascript: number[] = [];
  let aliveBefore = 0;
  for (let step = 1; step <= WARM_UP + calls; step += 1) {
    const before = metered.sessionMs();
    const ms = timed(() => opened.train(opened.nextBatch(), step));
    if (step === WARM_UP) aliveBefore = metered.binding.getNumOfTensors();
    if (step > WARM_UP) javascript.push(ms - (metered.sessionMs() - before));
  }
  const alive = metered.binding.getNumOfTensors();
  session.dispose();
  return { javascriptMs: median(javascript), liveTensors: alive, tensorsGained: alive - aliveBefore };
}

async function timeParts({ bindingPath, run, calls }: Spec) {
  const config = ownConfig({ ...run, accumulation: 2, evalRows: run.rows });
  const opened = await openStepSession({ config, bindingPath });
  const evaluateMs = timeCalls(calls, () => opened.evaluate(opened.nextBatch()));
  const [gradientMs, applyMs] = timeSteps(opened, calls);
  opened.session.dispose();
  return { forwardMs: evaluateMs, backwardMs: gradientMs - evaluateMs, optimizerMs: applyMs };
}

function timeSteps(opened: StepSession, calls: number): [gradientMs: number, applyMs: number] {
  let step = 0;
  const gradient = timeCalls(calls, () => opened.accumulate(opened.nextBatch(), (step += 1)));
  return [gradient, timeCalls(calls, () => opened.apply((step += 1)))];
}

function timeCalls(calls: number, action: () => void): number {
  const times = Array.from({ length: WARM_UP + calls }, () => timed(action));
  return median(times.slice(WARM_UP));
}

function timed(action: () => void): number {
  const start = performance.now();
  action();
  return performance.now() - start;
}

await main();
