/**
 * @file All words of the window, in one place. Another language is another object of this type.
 */
import { common } from './common.ts';
import { frame } from './frame.ts';
import { runs } from './runs.ts';

export const words = { common, frame, runs } as const;
