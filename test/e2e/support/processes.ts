/**
 * @file Processes as a power cut or a crash meets them, read from /proc: what belongs to an app, and an end without a word.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Children, their children, and so on; a job that outlives its parent is no longer among them. */
export function descendantsOf(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ pid: Number(name), parent: parentOf(Number(name)) }));
  const under = (top: number): number[] => {
    const children = parents.filter(({ parent }) => parent === top).map((child) => child.pid);
    return children.flatMap((child) => [child, ...under(child)]);
  };
  return under(pid);
}

/** @returns the first descendant whose command line holds the text */
export function findDescendant(pid: number, text: string): number | undefined {
  return descendantsOf(pid).find((child) => commandOf(child).includes(text));
}

/** Ends them all at once, as a power cut does. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function parentOf(pid: number): number {
  const afterName = read(`/proc/${pid}/stat`).replace(/^.*\) \S /s, '');
  return Number(afterName.split(' ')[0]) || 0;
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`);
}

function read(file: string): string {
  try {
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  } catch {
    return ''; // it has ended meanwhile
  }
}
