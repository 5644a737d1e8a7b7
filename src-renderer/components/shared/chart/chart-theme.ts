/**
 * @file Colours for the canvas: read from the design tokens, so that a change of theme only needs another drawing.
 */
import type uPlot from 'uplot';
import type { ChartSeries } from './chart-data.ts';

const FAINT_ALPHA = 0.3;
const WHOLE_INCREMENTS = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** Asking the document for a style makes it work out all of them, so at every frame of a moving chart they are taken from here. */
const tokens = new Map<string, string>();
let tokensOf: string | undefined;

/** @param name token without its dashes */
export function readToken(name: string): string {
  const { theme } = document.documentElement.dataset;
  if (theme !== tokensOf) tokens.clear();
  tokensOf = theme;
  const known = tokens.get(name);
  if (known !== undefined) return known;
  const read = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  tokens.set(name, read);
  return read;
}

/** How a series is drawn. Colours are asked for at every drawing. */
export function toUplotSeries({ name, color, style }: ChartSeries): uPlot.Series {
  const stroke = (): string => {
    const token = readToken(`chart-${color}`);
    return style === 'faint' ? withAlpha(token, FAINT_ALPHA) : token;
  };
  if (style === 'points') {
    const points = { show: true, size: 8, width: 1.5, stroke, fill: () => readToken('raised') };
    return { label: name, stroke, width: 1.25, spanGaps: true, dash: [3, 4], points };
  }
  return { label: name, stroke, width: style === 'faint' ? 1 : 1.75, spanGaps: true, points: { show: false } };
}

/** @param format turns a value into its text at the axis */
export function makeAxis(format: (value: number) => string, side: 'bottom' | 'left', size: number): uPlot.Axis {
  return {
    side: side === 'bottom' ? 2 : 3,
    size,
    gap: 6,
    space: side === 'bottom' ? 70 : 34,
    // Steps, tokens and milliseconds are whole.
    ...(side === 'bottom' && { incrs: WHOLE_INCREMENTS }),
    font: `${readFontSize()}px ${readToken('font')}`,
    stroke: () => readToken('muted'),
    grid: { stroke: () => readToken('chart-grid'), width: 1, show: side === 'left' },
    ticks: { show: false },
    values: (_chart, values) => values.map((value) => trimZeros(format(value))),
  };
}

function readFontSize(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) * 0.6875;
}

/** 2.000 says no more at an axis than 2. */
function trimZeros(text: string): string {
  return text.replace(/^(-?\d+)\.0+$/, '$1').replace(/^(-?\d+\.\d*?[1-9])0+$/, '$1');
}

function withAlpha(hex: string, alpha: number): string {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}
