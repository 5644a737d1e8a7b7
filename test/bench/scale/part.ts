/**
 * @file The part `scale`: how our speed and memory go with model size, length, batch, rank and threads.
 */
import type { BenchOptions } from '../options.ts';
import { ownCommand } from '../own-command.ts';
import { findModel, prepareFiles } from '../prepare.ts';
import type { Surroundings } from '../surroundings.ts';
import { toSample } from '../training/measure.ts';
import { type BatchShape, countMatrixValues, parseBatchShape, RANK } from '../workloads.ts';
import type { ScaleFigures, ScalePoint } from './report.ts';

interface Point {
  readonly label: string;
  readonly model: string;
  readonly shape: BatchShape;
  readonly rank: number;
  readonly threads: number;
}

const BASE_MODEL = '60M';
const BASE_SHAPE = '4x256';
const STEPS = 6;

export async function runScale(
  surroundings: Surroundings,
  options: BenchOptions,
  publish: (key: string, figures: ScaleFigures) => Promise<void>,
): Promise<void> {
  for (const [axis, points] of Object.entries(axesOf(options))) {
    const measured: ScalePoint[] = [];
    for (const point of options.quick ? points.slice(0, 1) : points) {
      measured.push(await measure(surroundings, `scale, ${axis} ${point.label}`, point, options.steps ?? STEPS));
    }
    await publish(axis, { axis, points: measured });
  }
}

/** Each axis moves one thing away from the base. About six minutes on two cores. */
function axesOf({ model, threads, arms }: BenchOptions): Record<string, Point[]> {
  const base = { model: model ?? BASE_MODEL, shape: parseBatchShape(BASE_SHAPE), rank: RANK, threads };
  const shapes = (names: readonly string[]): Point[] =>
    names.map((label) => ({ ...base, label, shape: parseBatchShape(label) }));
  const axes: Record<string, Point[]> = {
    'model size': (model ? [model] : ['15M', '60M', '135M', '360M']).map((name) => ({
      ...base,
      label: name,
      model: name,
    })),
    length: shapes(['32x64', '16x128', '8x256', '4x512', '2x1024', '1x2048']),
    batch: shapes(['1x128', '2x128', '4x128', '8x128', '16x128', '32x128']),
    rank: [4, 8, 16, 64, 256].map((rank) => ({ ...base, label: String(rank), rank })),
    threads: [...new Set([1, threads])].map((count) => ({ ...base, label: String(count), threads: count })),
  };
  return Object.fromEntries(Object.entries(axes).filter(([axis]) => axis.includes(arms)));
}

async function measure(surroundings: Surroundings, what: string, point: Point, steps: number): Promise<ScalePoint> {
  const { label, model, shape, rank, threads } = point;
  const files = prepareFiles(surroundings, model, { count: shape.batch * steps, length: shape.seq, rank });
  const command = ownCommand(surroundings.folder, { ...files, shape, steps, storage: 'bf16' });
  const sample = toSample(await surroundings.run(what, command, { threads }), steps);
  const matrixValues = countMatrixValues(findModel(model));
  if (typeof sample === 'string') return { label, model, shape, matrixValues, fault: sample };
  const tokensPerSecond = (shape.batch * shape.seq) / sample.stepSeconds;
  return { label, model, shape, matrixValues, tokensPerSecond, peakBytes: sample.treePeakBytes };
}
