/**
 * @file Numbers, sizes, times and dates in the person's language and with their units.
 */

/** Languages that the catalogue has words for; numbers follow it, so that a sentence is of one piece. */
export const LANGUAGE = 'en-GB';
/** British short forms of numbers look like units: 135m. */
const COMPACT_LANGUAGE = 'en-US';

const plainNumber = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 0 });
const compactNumber = new Intl.NumberFormat(COMPACT_LANGUAGE, { notation: 'compact', maximumSignificantDigits: 3 });
const percentNumber = new Intl.NumberFormat(LANGUAGE, { style: 'percent', maximumSignificantDigits: 2 });
const timeOfDay = new Intl.DateTimeFormat(LANGUAGE, { hour: '2-digit', minute: '2-digit' });
const dayAndTime = new Intl.DateTimeFormat(LANGUAGE, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const fullDay = new Intl.DateTimeFormat(LANGUAGE, { day: 'numeric', month: 'short', year: 'numeric' });
const plural = new Intl.PluralRules(LANGUAGE);

const SIZE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
const DAY_MS = 86_400_000;

/** 12,345 */
export function formatCount(value: number): string {
  return plainNumber.format(value);
}

/** 12.3K, 1.2M */
export function formatCompact(value: number): string {
  return value < 10_000 ? formatCount(value) : compactNumber.format(value);
}

/** 1.2 GB; decimal units, as disks and memory are sold. */
export function formatBytes(bytes: number): string {
  const power = Math.min(SIZE_UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  const value = bytes / 1000 ** power;
  const digits = power === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${trimZeros(value.toFixed(digits))} ${SIZE_UNITS[power]}`;
}

/** 0.41 %: two digits that say something, also for small shares. */
export function formatPercent(fraction: number): string {
  return percentNumber.format(fraction);
}

/** How far work has come, in whole percent: 100% only when it is all done. */
export function formatShare(fraction: number): string {
  return percentNumber.format(Math.floor(fraction * 100 + 1e-9) / 100);
}

/** A loss or another figure around one: four digits. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e5)) return formatScientific(value);
  return value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 3 : 4);
}

/** 2e-4: how learning rates are written. */
export function formatScientific(value: number): string {
  if (value === 0) return '0';
  const [digits = '', exponent = ''] = value.toExponential(2).split('e');
  return `${trimZeros(digits)}e${Number(exponent)}`;
}

/** 3 min 12 s: a time that was measured. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 340 ms, 1.2 s, 3 min: a time that may be short. */
export function formatStepTime(ms: number): string {
  if (ms < 1000) return `${Math.max(1, Math.round(ms))} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : formatDuration(ms);
}

/** about 4 minutes: a time that was estimated. */
export function formatAbout(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 8) return 'a few seconds';
  if (seconds < 50) return `about ${Math.round(seconds / 5) * 5} seconds`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${countOf(Math.max(1, minutes), 'minute', 'minutes')}`;
  const halfHours = Math.round(minutes / 30) / 2;
  return `about ${halfHours} ${halfHours === 1 ? 'hour' : 'hours'}`;
}

/** 14:03 today, 3 Mar 14:03 this year, else 3 Mar 2025. */
export function formatWhen(at: number, now = Date.now()): string {
  const date = new Date(at);
  if (date.toDateString() === new Date(now).toDateString()) return timeOfDay.format(date);
  return now - at < 300 * DAY_MS ? dayAndTime.format(date) : fullDay.format(date);
}

/** 14:03 */
export function formatTime(at: number): string {
  return timeOfDay.format(new Date(at));
}

/** A message of the engine as a sentence of its own. */
export function toSentence(message: string): string {
  const begun = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** 1 row, 412 rows */
export function countOf(count: number, one: string, other: string): string {
  return `${formatCount(count)} ${plural.select(count) === 'one' ? one : other}`;
}

function trimZeros(digits: string): string {
  return digits.includes('.') ? digits.replace(/\.?0+$/, '') : digits;
}
