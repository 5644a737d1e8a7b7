/**
 * @file Facts of a run in words: its state with a tone, its time, its data.
 */
import type { RunState } from '../../src-shared/domain/history.ts';

export type Tone = 'plain' | 'accent' | 'good' | 'warn' | 'bad';

const TONES: Readonly<Record<RunState, Tone>> = {
  preparing: 'accent',
  running: 'accent',
  paused: 'warn',
  stopped: 'plain',
  interrupted: 'warn',
  finished: 'good',
  failed: 'bad',
};

export function toneOf(state: RunState): Tone {
  return TONES[state];
}

export function isAtWork(state: RunState): boolean {
  return state === 'preparing' || state === 'running';
}
