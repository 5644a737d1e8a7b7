/**
 * @file Settings of the program: each has a type and a value that holds until the person chooses another.
 */
import { z } from 'zod';

export const settingsSchema = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  /** A message of the desktop when a run has ended. */
  notify_when_done: z.boolean().default(true),
  /** False: what waits in the queue is not started. */
  queue_runs: z.boolean().default(true),
  /** False until the first look around was shown or put away. */
  tour_seen: z.boolean().default(false),
});

export const settingsChangesSchema = settingsSchema.partial();

export type Settings = z.infer<typeof settingsSchema>;
