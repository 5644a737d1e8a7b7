/**
 * @file A run as it is watched: a bar with the time left on a terminal, plain lines otherwise, JSON lines with --json.
 */
import type { RunEvent, StartEvent, StepEvent } from '../../src-shared/domain/run-events.ts';
import { formatBytes, formatDuration, formatFigure } from './format.ts';
import type { Reporter } from './reporter.ts';

export interface TrainingProgress {
  take(event: RunEvent): void;
  /** Takes the bar away. */
  stop(): void;
  /** Last step told of. */
  step(): number;
}

const BAR_WIDTH = 24;

export function followTraining(reporter: Reporter): TrainingProgress {
  let start: StartEvent | null = null;
  let last: StepEvent | null = null;
  const timer = createTimer();
  const showStep = (event: StepEvent) => {
    const text = describeStep(event, start, timer.remainingMs(event, start));
    if (reporter.isLive) reporter.status(text);
    else reporter.note(text);
  };
  const show = (event: RunEvent) => {
    switch (event.event) {
      case 'start':
        start = event;
        return reporter.note(describeStart(event));
      case 'step':
        last = event;
        return showStep(event);
      case 'eval':
        return reporter.note(describeEvaluation(event));
      case 'checkpoint':
        return reporter.note(`step ${event.step}: saved ${event.path}${event.best ? ' (best so far)' : ''}`);
      case 'sample':
        return reporter.note(`step ${event.step}: "${event.prompt}" -> "${event.answer}"`);
      case 'notice':
        return reporter.note(`Note: ${event.message}`);
      case 'progress':
        return showPhase(reporter, event.phase, event.fraction);
      case 'result':
      case 'error':
        return;
    }
  };
  return {
    take(event) {
      if (event.event === 'step') last = event;
      if (!reporter.json) show(event);
      // The command itself ends with `result` or `error`.
      else if (event.event !== 'result' && event.event !== 'error') reporter.event(event);
    },
    stop: () => reporter.status(null),
    step: () => last?.step ?? start?.start_step ?? 0,
  };
}

/** A phase before the first step; on paper only its beginning is worth a line. */
export function showPhase(reporter: Reporter, phase: string, fraction: number | null): void {
  const percent = fraction === null ? '' : ` ${Math.round(fraction * 100)} %`;
  if (reporter.isLive) reporter.status(`${phase}…${percent}`);
  else if (fraction === null || fraction === 0) reporter.note(`${phase}…`);
}

/** `12/100 [====    ]`. */
export function drawBar(done: number, total: number): string {
  const filled = Math.round((BAR_WIDTH * Math.min(done, total)) / Math.max(total, 1));
  return `[${'='.repeat(filled)}${' '.repeat(BAR_WIDTH - filled)}] ${done}/${total}`;
}

function describeStart(event: StartEvent): string {
  const share = ((100 * event.trainable_parameters) / event.total_parameters).toFixed(2);
  const trains = `${event.trainable_parameters.toLocaleString('en')} of ${event.total_parameters.toLocaleString('en')}`;
  const rows = `${event.train_rows} rows (${describeLabels(event)}), ${event.eval_rows} held out`;
  const from = event.start_step > 0 ? `, from step ${event.start_step}` : '';
  return `Training ${trains} parameters (${share} %) on ${rows}; ${event.total_steps} steps${from}; ${event.engine}`;
}

function describeLabels({ classes, supervised_tokens: tokens }: StartEvent): string {
  if (classes === undefined) return `${tokens} trained tokens`;
  return classes === 0 ? 'a number each' : `${classes} classes`;
}

function describeStep(event: StepEvent, start: StartEvent | null, remainingMs: number | null): string {
  const total = start?.total_steps ?? event.step;
  const figures = [
    `loss ${formatFigure(event.loss)}`,
    `${Math.round(event.tokens_per_second)} tokens/s`,
    formatBytes(event.memory_bytes),
    ...(remainingMs === null ? [] : [`${formatDuration(remainingMs)} left`]),
  ];
  return `${drawBar(event.step, total)}  ${figures.join('  ')}`;
}

function describeEvaluation(event: Extract<RunEvent, { event: 'eval' }>): string {
  const extra = Object.entries(event.metrics).map(([name, value]) => `, ${name} ${formatFigure(value)}`);
  const best = event.best ? ' (best so far)' : '';
  return `step ${event.step}: held-out loss ${formatFigure(event.eval_loss)}${extra.join('')}${best}`;
}

/** The time left, from the steps of this session: the first one compiles and is left out. */
function createTimer(): { remainingMs(event: StepEvent, start: StartEvent | null): number | null } {
  let first: StepEvent | null = null;
  return {
    remainingMs(event, start) {
      first ??= event;
      const steps = event.step - first.step;
      if (start === null || steps === 0) return null;
      return ((event.elapsed_ms - first.elapsed_ms) / steps) * (start.total_steps - event.step);
    },
  };
}
