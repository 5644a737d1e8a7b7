/**
 * @file One uPlot chart and what can be done with it: zoom by dragging, wheel with Ctrl, or keys; pan with Shift and drag.
 */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { type ChartSeries, toTable, valueAt } from './chart-data.ts';
import { makeAxis, toUplotSeries } from './chart-theme.ts';

export interface ChartOptions {
  readonly series: readonly ChartSeries[];
  readonly height: number;
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
  /** Charts of the same name move their cursors together. */
  readonly syncKey?: string;
  /** Values under the cursor; null when it left. */
  readonly onHover: (hover: ChartHover | null) => void;
  readonly onZoom: (zoomed: boolean) => void;
}

export interface ChartHover {
  readonly x: number;
  /** In the order of the series. */
  readonly values: readonly (number | null)[];
}

const WHEEL_FACTOR = 0.8;

/** Owns the canvas inside `target` until `destroy`. */
export class ChartView {
  readonly #chart: uPlot;
  readonly #options: ChartOptions;
  #zoomed = false;
  readonly #resize: ResizeObserver;
  readonly #theme: MutationObserver;

  constructor(target: HTMLElement, options: ChartOptions) {
    this.#options = options;
    this.#chart = new uPlot(this.#toUplotOptions(target.clientWidth), toTable(options.series), target);
    this.#resize = new ResizeObserver(() => {
      if (target.clientWidth > 0) this.#chart.setSize({ width: target.clientWidth, height: options.height });
    });
    this.#resize.observe(target);
    this.#theme = new MutationObserver(() => this.#chart.redraw(false, true));
    this.#theme.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    this.#chart.over.addEventListener('wheel', this.#wheel, { passive: false });
    this.#chart.over.addEventListener('mousedown', this.#startPan, { capture: true });
  }

  /** New values of the same series; a zoom stays as it is. */
  setSeries(series: readonly ChartSeries[]): void {
    const { min, max } = this.#chart.scales.x ?? {};
    this.#chart.batch(() => {
      this.#chart.setData(toTable(series), !this.#zoomed);
      if (this.#zoomed && min !== undefined && max !== undefined) {
        this.#chart.setScale('x', { min: min ?? 0, max: max ?? 1 });
      }
    });
  }

  resetZoom(): void {
    const xs = this.#chart.data[0];
    this.#chart.setScale('x', { min: xs[0] ?? 0, max: xs.at(-1) ?? 1 });
    this.#setZoomed(false);
  }

  /** @param factor below 1 = closer; around the cursor or the middle */
  zoom(factor: number, center?: number): void {
    const { min, max } = this.#chart.scales.x ?? {};
    if (min === undefined || max === undefined || min === null || max === null) return;
    const middle = center ?? (min + max) / 2;
    this.#setRange(middle - (middle - min) * factor, middle + (max - middle) * factor);
  }

  /** @param share of the visible width, negative = to the left */
  pan(share: number): void {
    const { min, max } = this.#chart.scales.x ?? {};
    if (min === undefined || max === undefined || min === null || max === null) return;
    this.#setRange(min + (max - min) * share, max + (max - min) * share);
  }

  /** Moves the cursor to the next or the previous value. */
  stepCursor(direction: 1 | -1): void {
    const xs = this.#chart.data[0];
    const row = Math.min(xs.length - 1, Math.max(0, (this.#chart.cursor.idx ?? -1) + direction));
    const x = xs[row];
    if (x === undefined) return;
    this.#chart.setCursor({ left: this.#chart.valToPos(x, 'x'), top: this.#chart.over.clientHeight / 2 });
  }

  destroy(): void {
    this.#resize.disconnect();
    this.#theme.disconnect();
    this.#chart.destroy();
  }

  #setRange(from: number, to: number): void {
    const xs = this.#chart.data[0];
    const [first = 0, last = 1] = [xs[0], xs.at(-1)];
    const width = Math.min(to - from, last - first);
    const min = Math.min(Math.max(from, first), last - width);
    this.#chart.setScale('x', { min, max: min + width });
    this.#setZoomed(width < last - first);
  }

  #setZoomed(zoomed: boolean): void {
    if (zoomed === this.#zoomed) return;
    this.#zoomed = zoomed;
    this.#options.onZoom(zoomed);
  }

  readonly #wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const center = this.#chart.posToVal(event.offsetX, 'x');
    this.zoom(event.deltaY < 0 ? WHEEL_FACTOR : 1 / WHEEL_FACTOR, center);
  };

  readonly #startPan = (event: MouseEvent): void => {
    if (!event.shiftKey && event.button !== 1) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    let lastX = event.clientX;
    let nextX = lastX;
    let frame = 0;
    const width = this.#chart.over.clientWidth || 1;
    // Values under the cursor say nothing while the curve moves below it; here and in the charts that move with it.
    this.#chart.setCursor({ left: -10, top: -10 });
    const draw = (): void => {
      frame = 0;
      this.pan((lastX - nextX) / width);
      lastX = nextX;
    };
    const move = (moved: MouseEvent): void => {
      moved.stopPropagation();
      nextX = moved.clientX;
      frame ||= requestAnimationFrame(draw);
    };
    const end = (): void => {
      removeEventListener('mousemove', move, { capture: true });
      removeEventListener('mouseup', end);
    };
    addEventListener('mousemove', move, { capture: true });
    addEventListener('mouseup', end);
  };

  #toUplotOptions(width: number): uPlot.Options {
    const { height, series, formatX, formatY, syncKey } = this.#options;
    return {
      width: Math.max(width, 50),
      height,
      legend: { show: false },
      // Half of the last number of the x axis stands to the right of the curve.
      padding: [10, 24, 0, 0],
      scales: { x: { time: false }, y: { range: { min: { pad: 0.06 }, max: { pad: 0.06 } } } },
      axes: [makeAxis(formatX, 'bottom', 26), makeAxis(formatY, 'left', 56)],
      series: [{}, ...series.map(toUplotSeries)],
      cursor: {
        drag: { x: true, y: false, setScale: true },
        points: { size: 7 },
        focus: { prox: -1 },
        ...(syncKey && { sync: { key: syncKey, setSeries: false, scales: ['x', null] as [string, null] } }),
      },
      hooks: {
        setCursor: [(chart) => this.#options.onHover(this.#readHover(chart))],
        setSelect: [(chart) => this.#setZoomed(this.#zoomed || chart.select.width > 0)],
        setScale: [(chart, key) => key === 'x' && this.#noticeReset(chart)],
      },
    };
  }

  /** A double click shows everything again. */
  #noticeReset(chart: uPlot): void {
    const xs = chart.data[0];
    const { min, max } = chart.scales.x ?? {};
    if (this.#zoomed && min === xs[0] && max === xs.at(-1)) this.#setZoomed(false);
  }

  #readHover(chart: uPlot): ChartHover | null {
    const row = chart.cursor.idx;
    const x = row === null || row === undefined ? undefined : chart.data[0][row];
    if (row === null || row === undefined || x === undefined) return null;
    return { x, values: chart.data.slice(1).map((_, column) => valueAt(chart.data, column + 1, row)) };
  }
}
