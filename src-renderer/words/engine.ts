/**
 * @file The engine in words: one line for the rail, sentences for the settings.
 */
import type { PlainError } from '../../src-shared/domain/app-error.ts';
import type { EngineStatus } from '../../src-shared/domain/machine.ts';
import { formatBytes } from './format.ts';
import { frame } from './frame.ts';

export interface EngineWords {
  readonly tone: 'good' | 'warn' | 'bad' | 'muted';
  readonly name: string;
  readonly facts: string;
  /** For a narrow rail. */
  readonly short: string;
}

export function describeEngine(status: EngineStatus | null, failure: PlainError | null): EngineWords {
  const { engine } = frame;
  if (status === null) {
    const name = failure ? engine.unknown : engine.asking;
    return { tone: failure ? 'bad' : 'muted', name, facts: failure?.message ?? '', short: frame.places.settings };
  }
  const { runtime, device, threads, memory } = status;
  const isGpu = device.kind === 'gpu';
  const machine = isGpu ? device.name : `${engine.cpu}, ${engine.threads(threads)}`;
  const facts = [machine, engine.free(formatBytes(memory.availableBytes))].join(', ');
  const short = isGpu ? 'GPU' : engine.cpu;
  if (runtime.state === 'broken') return { tone: 'bad', name: engine.broken, facts, short };
  if (runtime.kind === 'wasm' || runtime.state === 'missing') return { tone: 'warn', name: engine.wasm, facts, short };
  return { tone: 'good', name: `TensorFlow ${runtime.version ?? ''}`.trim(), facts, short };
}
