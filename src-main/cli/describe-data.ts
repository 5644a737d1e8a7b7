/**
 * @file A data report as a terminal shows it.
 */
import type { DataReport, Finding } from '../../src-shared/domain/data-report.ts';
import { formatTable } from './format.ts';

const MOST_NOTICES = 20;

export function describeReport(report: DataReport): string {
  const { files, rows, bad_rows, tokens, labels, notices } = report;
  const parts = files.map(({ path, rows: usable, format, reason }) => {
    return format === null ? `${path}: no rows that can be read` : `${path}: ${usable} rows, ${format} (${reason})`;
  });
  const findings: readonly (readonly [string, Finding])[] = [
    ['rows that repeat an earlier one', report.duplicates],
    ['evaluation rows that are trained too', report.overlap],
    ['rows longer than the limit', report.truncated],
    ['rows whose answer is cut off', report.labels_cut_off],
  ];
  const figures = [
    ['Usable rows', String(rows)],
    ['Rows that cannot be used', String(bad_rows)],
    ...(tokens ? tokenLines(tokens) : []),
    ...findings.filter(([, { count }]) => count > 0).map(([what, { count }]) => [capital(what), String(count)]),
    ...(labels ?? []).map(({ name, rows: count }) => [`Label ${name}`, String(count)]),
  ];
  parts.push('', formatTable(['', ''], figures).trimStart());
  const shown = notices
    .slice(0, MOST_NOTICES)
    .map(({ file, message }) => `- ${file === null ? '' : `${file}: `}${message}`);
  if (shown.length > 0) parts.push('', ...shown);
  const [sample] = report.samples;
  if (sample) {
    const text = sample.spans.map(({ text: span, trained }) => (trained ? `[${span}]` : span)).join('');
    parts.push('', `First row as the model sees it, what is trained in brackets:`, text);
  }
  return parts.join('\n');
}

/** An encoder-decoder reads the source and writes the answer, and each has the whole length for itself. */
function tokenLines({ total, supervised, length_of, longest, mean }: NonNullable<DataReport['tokens']>): string[][] {
  const inParts = length_of === 'longer_part';
  return [
    [inParts ? 'Tokens, source and answer' : 'Tokens', String(total)],
    ['Tokens trained', String(supervised)],
    [inParts ? 'Longest source or answer in tokens' : 'Longest row in tokens', String(longest)],
    [inParts ? 'Mean of the longer of the two' : 'Mean row in tokens', String(Math.round(mean))],
  ];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
