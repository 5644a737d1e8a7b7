/**
 * @file Settings of the program: each has a type and a value that holds until the person chooses another.
 */
import { z } from 'zod';

/** An address of a server. One that names a user would keep a password in the history, where none belongs. */
const serverAddress = z
  .string()
  .trim()
  .max(500)
  .refine(isServerAddress, 'must be an address such as http://host:port, without a user name or password')
  .transform((address) => address.replace(/\/+$/, ''));
const folder = z.string().min(1).max(4096);

function isServerAddress(text: string): boolean {
  return /^https?:\/\/[^\s/?#@]+(\/[^\s?#@]*)?$/i.test(text);
}

export const settingsSchema = z.strictObject({
  theme: z.enum(['system', 'light', 'dark']).default('system'),
  /** A message of the desktop when a run has ended. */
  notify_when_done: z.boolean().default(true),
  /** False: what waits in the queue is not started. */
  queue_runs: z.boolean().default(true),
  /** False until the first look around was shown or put away. */
  tour_seen: z.boolean().default(false),
  /** Most megabytes of expanded copies of 4-bit and 8-bit weights; null = a share of what is free. */
  weight_cache_mb: z.int().min(0).max(1_000_000).nullable().default(null),
  /** Where downloads go; null = `models` in the home. */
  models_folder: folder.nullable().default(null),
  /** Folders that are looked through for models. */
  model_places: z.array(folder).max(50).default([]),
  /** A mirror of the hub; null = the hub. */
  hub_endpoint: serverAddress.nullable().default(null),
  hub_proxy: serverAddress.nullable().default(null),
  /** True: the network is never used. */
  hub_offline: z.boolean().default(false),
});

export const settingsChangesSchema = settingsSchema.partial();

export type Settings = z.infer<typeof settingsSchema>;
