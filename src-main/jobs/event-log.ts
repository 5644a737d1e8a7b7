/**
 * @file events.jsonl: what a run told, one line an event, appended by the job alone. The history can be rebuilt from it.
 *
 * Lines are appended with one write each, so a killed job tears at most the last one; the next session closes that line off and
 * readers pass over it. A resumed run repeats the steps after its checkpoint: its `start` event says from where, and
 * `effectiveEvents` drops what was told beyond that step before.
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { RunEvent } from '../../src-shared/domain/run-events.ts';
import { explainFileError, systemErrorCode } from './file-errors.ts';
import { EVENTS_FILE, SAMPLES_FILE } from './run-folder.ts';

/** An event with the time it was told, milliseconds since 1970. */
export type TimedEvent = RunEvent & { readonly at: number };

export interface EventLog {
  /** @throws disk/full */
  append(event: TimedEvent): void;
  close(): void;
}

/** Opens both logs for appending. Progress is not kept: it means nothing once it is over. */
export function openEventLog(runDir: string): EventLog {
  const events = openLog(path.join(runDir, EVENTS_FILE));
  const samples = openLog(path.join(runDir, SAMPLES_FILE));
  return {
    append(event) {
      if (event.event === 'progress') return;
      const log = event.event === 'sample' ? samples : events;
      try {
        writeSync(log.fd, `${JSON.stringify(event)}\n`);
      } catch (error) {
        throw explainFileError(error, log.file);
      }
    },
    close() {
      closeSync(events.fd);
      closeSync(samples.fd);
    },
  };
}

/** All events of a run in the order they were told; lines torn by a crash are left out. */
export function readEvents(runDir: string): TimedEvent[] {
  const events = [EVENTS_FILE, SAMPLES_FILE].flatMap((name) => readLog(path.join(runDir, name)));
  return events.sort((a, b) => a.at - b.at);
}

/** What holds after the last resume: events beyond the step that a later session started from are dropped. */
export function effectiveEvents(events: readonly TimedEvent[]): TimedEvent[] {
  const kept: TimedEvent[] = [];
  let horizon = Infinity;
  for (const event of [...events].reverse()) {
    const step = 'step' in event ? event.step : null;
    if (step === null || step <= horizon) kept.push(event);
    if (event.event === 'start') horizon = Math.min(horizon, event.start_step);
  }
  return kept.reverse();
}

function openLog(file: string): { fd: number; file: string } {
  try {
    const isTorn = readText(file).slice(-1) !== '\n';
    const fd = openSync(file, 'a');
    if (isTorn && readText(file) !== '') writeSync(fd, '\n');
    return { fd, file };
  } catch (error) {
    throw explainFileError(error, file);
  }
}

function readLog(file: string): TimedEvent[] {
  return readText(file)
    .split('\n')
    .flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as TimedEvent];
      } catch {
        return []; // torn by a crash in the middle of the write
      }
    });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return '';
    throw error;
  }
}
