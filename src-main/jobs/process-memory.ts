/**
 * @file Peak resident memory of a process, as the system itself counts it.
 */
import { readFileSync } from 'node:fs';

/**
 * @param pid a process that still runs; this one where left out
 * @returns bytes (VmHWM), null where the system does not tell about other processes or the process is gone
 */
export function readPeakMemoryBytes(pid = process.pid): number | null {
  return readStatusBytes(pid, 'VmHWM') ?? (pid === process.pid ? process.resourceUsage().maxRSS * 1024 : null);
}

/** Resident memory now, bytes; null as above. */
export function readMemoryBytes(pid = process.pid): number | null {
  return readStatusBytes(pid, 'VmRSS') ?? (pid === process.pid ? process.memoryUsage.rss() : null);
}

function readStatusBytes(pid: number, field: string): number | null {
  if (process.platform !== 'linux') return null;
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const [, kibibytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status) ?? [];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  } catch {
    return null;
  }
}
