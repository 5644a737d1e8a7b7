/**
 * @file Events of the jobs that are no training: what is being done, and notices.
 */
import type { RunEvent } from '../../src-shared/domain/run-events.ts';
import type { TimedEvent } from '../jobs/event-log.ts';
import type { Reporter } from './reporter.ts';
import { showPhase } from './training-progress.ts';

/** @returns a listener for a job's events */
export function reportWork(reporter: Reporter): (event: TimedEvent) => void {
  return ({ at: _at, ...event }) => {
    if (reporter.json) return reporter.event(event);
    showEvent(reporter, event);
  };
}

function showEvent(reporter: Reporter, event: RunEvent): void {
  if (event.event === 'progress') showPhase(reporter, event.phase, event.fraction);
  if (event.event === 'notice') reporter.note(`Note: ${event.message}`);
}
