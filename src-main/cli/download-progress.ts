/**
 * @file A download on a terminal: one line that is redrawn; in --json an event a second.
 */
import type { Download, DownloadProgress } from '../../src-shared/domain/hub.ts';
import { formatBytes, formatDuration } from './format.ts';
import type { Reporter } from './reporter.ts';

export interface ShownDownload {
  readonly start: (download: Download) => void;
  readonly take: (progress: DownloadProgress) => void;
  /** Why nothing comes; null when it goes on. */
  readonly wait: (reason: string | null) => void;
}

const BAR_CHARS = 24;
const TELL_EVERY_MS = 1_000;

export function showDownload(reporter: Reporter): ShownDownload {
  let lastMs = -Infinity;
  let lastWait: string | null = null;
  const wait = (reason: string | null) => {
    if (reason !== null && reason !== lastWait) reporter.note(reason, 'hub/waiting');
    lastWait = reason;
  };
  return {
    wait,
    start({ model, revision, dir, total_bytes, done_bytes }) {
      reporter.event({ event: 'start', model, revision, path: dir, total_bytes, done_bytes });
      const rest = done_bytes > 0 ? `, ${formatBytes(done_bytes)} of them are here` : '';
      if (!reporter.json)
        reporter.note(`${model} (${revision.slice(0, 8)}), ${formatBytes(total_bytes)}${rest}, to ${dir}`);
    },
    take(progress) {
      wait(progress.waiting);
      reporter.status(describeProgress(progress));
      const isWhole = progress.done_bytes === progress.total_bytes;
      if (!isWhole && performance.now() - lastMs < TELL_EVERY_MS) return;
      lastMs = performance.now();
      reporter.event({ event: 'download', ...progress });
    },
  };
}

function describeProgress({ files, total_bytes, done_bytes, bytes_per_second, eta_ms }: DownloadProgress): string {
  const fraction = total_bytes === 0 ? 1 : done_bytes / total_bytes;
  const filled = Math.round(fraction * BAR_CHARS);
  const bar = `[${'='.repeat(filled)}${'.'.repeat(BAR_CHARS - filled)}]`;
  const speed = bytes_per_second === null ? '' : `  ${formatBytes(bytes_per_second)}/s`;
  const eta = eta_ms === null ? '' : `  ${formatDuration(eta_ms)} left`;
  const done = files.filter(({ state }) => state === 'done').length;
  const isChecking = files.some(({ state }) => state === 'checking');
  const what = isChecking ? '  checking what is here' : '';
  return `${bar} ${formatBytes(done_bytes)} of ${formatBytes(total_bytes)}${speed}${eta}  ${done}/${files.length} files${what}`;
}
