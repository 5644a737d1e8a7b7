/**
 * @file The whole journey, in the order of a person's first days: each part begins where the one before ended.
 */
import type { Stage } from '../support/stage.ts';
import { playByKeyboard } from './by-keyboard.ts';
import { playFirstMinutes } from './first-minutes.ts';
import { playHistory } from './history.ts';
import { playPowerCut } from './power-cut.ts';
import { playQueueAndCompare } from './queue-and-compare.ts';

export function playJourney(stage: Stage): void {
  playFirstMinutes(stage);
  playByKeyboard(stage);
  playPowerCut(stage);
  playQueueAndCompare(stage);
  playHistory(stage);
}
