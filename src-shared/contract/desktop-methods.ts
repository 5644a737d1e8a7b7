/**
 * @file What only Electron's main process can do; in a browser these answer desktop/not-here.
 */
import { z } from 'zod';
import { filePath, method, none, text } from './method.ts';

export const desktopMethods = {
  /** A dialog of the system for data files. @returns paths that may be used from now on; empty where it was put away */
  'desktop:pickFiles': method<readonly string[]>()(none),
  'desktop:pickFolder': method<string | null>()(z.strictObject({ title: z.string().max(100) })),
  /** Asks where to, and writes a small text there. @returns the path, null where it was put away */
  'desktop:saveText': method<string | null>()(z.strictObject({ name: z.string().min(1).max(200), text: z.string() })),
  /** Shows a file or folder in the system's file manager. */
  'desktop:showItem': method<null>()(z.strictObject({ path: filePath })),
  /** Tells core the token of the hub, and keeps it for the next start where the system can encrypt it; null forgets it. */
  'desktop:keepToken': method<null>()(z.strictObject({ token: z.string().max(500).nullable() })),
  'desktop:copyText': method<null>()(z.strictObject({ text })),
} as const;
