/**
 * @file Files of results that several scripts write: each replaces its own section and leaves the others.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** @param heading of the section, its marks before it; it ends at the next one of its rank @param lines without the heading */
export function keepSection(file: string, heading: string, lines: readonly string[]): void {
  const mark = heading.slice(0, heading.indexOf(' ') + 1);
  const before = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  const found = before.indexOf(heading);
  const start = found === -1 ? before.length : found;
  const next = before.findIndex((line, index) => index > start && line.startsWith(mark));
  const head = before.slice(0, start).join('\n').trimEnd();
  const tail = found === -1 || next === -1 ? [] : ['', ...before.slice(next)];
  writeFileSync(file, `${[head, '', heading, '', ...lines, ...tail].join('\n').trimStart()}\n`);
}
