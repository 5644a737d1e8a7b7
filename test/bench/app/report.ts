/**
 * @file The app's figures as a page, with the machine they belong to and what else it was doing.
 */
import { loadavg } from 'node:os';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeMachine } from '../machine.ts';
import type { FrameTimes } from './chart-frames.ts';
import type { LatencyResult } from './core-latency.ts';
import type { OpeningTimes } from './openings.ts';

export interface AppFigures {
  readonly quiet: boolean;
  /** Load averages of one minute, before and after. */
  readonly load: readonly [number, number];
  readonly frames: readonly FrameTimes[];
  readonly openings: readonly OpeningTimes[];
  readonly latencies: readonly { readonly what: string; readonly result: LatencyResult }[];
}

export function currentLoad(): number {
  return loadavg()[0] ?? NaN;
}

/** Writes test/bench/APP.md. */
export function writeReport(figures: AppFigures): void {
  writeFileSync(path.resolve(import.meta.dirname, '..', 'APP.md'), toPage(figures));
}

function toPage({ quiet, load, frames, openings, latencies }: AppFigures): string {
  const { cpu, cores, memoryBytes, kernel, node, commit, date } = describeMachine(0, quiet, null);
  const machine = `${cpu}, ${cores} cores, ${Math.round(memoryBytes / 1e9)} GB, Linux ${kernel}, Node ${node}`;
  const noise = quiet ? 'The machine was quiet' : 'The machine was busy with other work';
  return [
    '# The app: how quick it feels',
    '',
    `Written by \`node scripts/with-node.mjs test/bench/app.ts\` on ${date.slice(0, 10)}, commit ${commit}.`,
    `${machine}. ${noise}; load ${load.map((value) => value.toFixed(1)).join(' before, ')} after.`,
    'A history of 5,000 runs, one of them with 100,000 steps. Debian’s Chromium without a graphics card, and Electron 25.',
    '',
    '## Curves of 100,000 steps: milliseconds of script, style and layout a frame, of the thread’s own time',
    '',
    ...table(
      ['', 'Frames', 'Median', '95 %', 'Most'],
      frames.map(({ what, frames: count, medianMs, p95Ms, mostMs }) => [what, count, medianMs, p95Ms, mostMs]),
    ),
    'Asked for: under 8 a frame, none over 33.',
    '',
    '## Opening: milliseconds until it is on the screen',
    '',
    ...table(
      ['', 'Times', 'Median', 'Most'],
      openings.map(({ what, times, medianMs, mostMs }) => [what, times, medianMs, mostMs]),
    ),
    'Asked for: the history under 300, the first view under 1500.',
    ...latencies.flatMap(({ what, result }) => [
      '',
      `## Core’s answers while ${what}: milliseconds`,
      '',
      `${result.stepsPerSecond.toFixed(1)} steps a second were told meanwhile.`,
      '',
      ...table(
        ['', 'Calls', 'Median', '99 %', 'Most'],
        [...result.times, result.all].map(({ name, calls, medianMs, p99Ms, mostMs }) => [
          name,
          calls,
          medianMs,
          p99Ms,
          mostMs,
        ]),
      ),
      'Asked for: 99 % under 50. The first call of each kind, which finds models and engine, is left out.',
    ]),
    '',
  ].join('\n');
}

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cell = (value: string | number) =>
    typeof value === 'string' || Number.isInteger(value) ? String(value) : value.toFixed(1);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map((row) => line(row.map(cell))), ''];
}
