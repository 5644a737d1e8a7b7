/**
 * @file Where the built window lies: out/renderer beside the sources, made by `npm start`.
 */
import { fileURLToPath } from 'node:url';

export const PAGES_FOLDER = fileURLToPath(new URL('../../out/renderer/', import.meta.url));
