/**
 * @file The demonstration as it is told on the terminal.
 */
import { Interrupted } from '../../src-shared/domain/app-error.ts';
import type { EvaluatedAnswer } from '../engine/recipes/contract.ts';
import { type DemoResult, type DemoStage, runDemo } from '../services/demo.ts';
import type { CommandContext } from './context.ts';
import type { Reporter } from './reporter.ts';
import { followTraining } from './training-progress.ts';

const SHOWN = 3;
const STAGES: Readonly<Record<DemoStage, string>> = {
  before: '1/5  The sample model, untrained for the task, answers the held-out rows',
  train: '2/5  It is fine-tuned with LoRA on the sample data',
  after: '3/5  The fine-tuned model answers the same rows',
  export: '4/5  The adapter is exported in PEFT’s format',
  verify: '5/5  The exported adapter is loaded anew and answers once more',
};

export async function showDemo(context: CommandContext): Promise<void> {
  const { reporter, signal, onForce } = context;
  const progress = followTraining(reporter);
  try {
    const result = await runDemo(await context.services(), {
      signal,
      onNotice: ({ message, code }) => reporter.note(message, code),
      onStage: (stage) => showStage(reporter, stage),
      onEvent: ({ at: _at, ...event }) => progress.take(event),
      onWait: ({ message, code }) => reporter.note(message, code),
      onAnswers: (stage, answers, share) => showAnswers(reporter, stage, answers, share),
      onRun: (run) => {
        signal.addEventListener('abort', () => run.end('paused'));
        onForce(() => run.kill());
      },
    });
    requireVerified(result);
    reporter.result(result, describeResult(result));
  } catch (error) {
    throw error instanceof Interrupted ? new Interrupted('Stopped. `tunesmith demo` starts anew.') : error;
  } finally {
    progress.stop();
  }
}

function showStage(reporter: Reporter, stage: DemoStage): void {
  reporter.event({ event: 'stage', stage });
  if (!reporter.json) reporter.note(`\n${STAGES[stage]}`);
}

function showAnswers(
  reporter: Reporter,
  stage: 'before' | 'after',
  answers: readonly EvaluatedAnswer[],
  exactMatch: number,
): void {
  const shown = answers.slice(0, SHOWN);
  reporter.event({ event: 'answers', stage, exact_match: exactMatch, answers: shown });
  if (reporter.json) return;
  reporter.status(null);
  for (const { prompt, expected, answer, correct } of shown) {
    const lines = [`  prompt: ${oneLine(prompt)}`, `  wanted: ${oneLine(expected)}`];
    reporter.note([...lines, `  ${correct ? 'right: ' : 'wrong: '} ${oneLine(answer)}`, ''].join('\n'));
  }
  reporter.note(`  exactly right: ${percent(exactMatch)} of ${answers.length} held-out rows`);
}

function requireVerified(result: DemoResult): void {
  if (result.export_verified) return;
  throw new Error(`internal: the exported adapter in ${result.export_dir} answers differently from the trained one`);
}

function describeResult({ exact_match_before, exact_match_after, seconds, run_dir, export_dir }: DemoResult): string {
  return [
    '',
    `Exactly right: ${percent(exact_match_before)} before, ${percent(exact_match_after)} after, in ${Math.round(seconds)} s.`,
    `The exported adapter gives the same answers: ${export_dir}`,
    `The run with its history: tunesmith runs show ${run_dir}`,
  ].join('\n');
}

function oneLine(text: string): string {
  return text.trim().replaceAll('\n', ' ⏎ ');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
