/**
 * @file What stands in the way of a run, and what the person should know before it: worked out from the plan, said by the words.
 */
import type { DataReport } from '../../../src-shared/domain/data-report.ts';
import type { EngineStatus } from '../../../src-shared/domain/machine.ts';
import { WASM_HEAP_BYTES, WASM_MOST_PARAMETERS } from '../../../src-shared/domain/memory-model.ts';
import type { ModelDetails } from '../../../src-shared/domain/models.ts';
import type { StepId } from '../route.ts';
import type { Draft } from './draft.ts';
import type { MemoryEstimate } from './estimate.ts';
import { usesSmallEngine } from './offers.ts';
import { droppedMetric, type Plan } from './plan.ts';

export const CHECKS = [
  'no-files',
  'reading',
  'read-failed',
  'no-rows',
  'bad-rows',
  'nothing-trained',
  'one-class',
  'labels-cut-off',
  'truncated',
  'duplicates',
  'overlap',
  'few-rows',
  'no-eval',
  'no-stop-token',
  'no-model',
  'model-faults',
  'beyond-small-engine',
  'too-long-for-model',
  'no-targets',
  'metric-not-measured',
  'memory-too-much',
  'memory-tight',
  'disk-too-small',
  'engine-broken',
  'plan-failed',
] as const;
export type CheckId = (typeof CHECKS)[number];

export interface Check {
  readonly id: CheckId;
  readonly step: StepId;
  /** block: Start is off; warn: unwise, but allowed. */
  readonly level: 'block' | 'warn';
  /** How many, where there is a number to it. */
  readonly count: number;
}

export interface CheckFacts {
  readonly draft: Draft;
  readonly plan: Plan;
  readonly report: DataReport | null;
  readonly isReading: boolean;
  readonly readFailed: boolean;
  readonly planFailed: boolean;
  readonly model: ModelDetails | null;
  readonly memory: MemoryEstimate | null;
  readonly diskBytes: number | null;
  readonly engine: EngineStatus | null;
}

const FEW_ROWS = 20;

export function findChecks(facts: CheckFacts): Check[] {
  const found = [...dataChecks(facts), ...modelChecks(facts), ...machineChecks(facts)];
  return found.filter((check) => check !== null);
}

type Found = Check | null;

function dataChecks({ draft, report, isReading, readFailed, plan }: CheckFacts): Found[] {
  if (draft.config.data.train.length === 0) return [block('no-files', 'data')];
  if (readFailed) return [block('read-failed', 'data')];
  if (report === null) return isReading ? [block('reading', 'data')] : [];
  const { tokens } = report;
  const evalRows = plan.sizes?.evalRows ?? 0;
  const writes = plan.settings.task_type !== 'SEQ_CLS';
  return [
    report.rows === 0 ? block('no-rows', 'data') : null,
    report.bad_rows > 0 || report.fault_count > 0
      ? block('bad-rows', 'data', Math.max(report.bad_rows, report.fault_count))
      : null,
    tokens && report.rows > 0 && tokens.supervised === 0 ? block('nothing-trained', 'data') : null,
    plan.settings.task_type === 'SEQ_CLS' && hasOneClass(draft, report) ? block('one-class', 'data') : null,
    warnIf(report.labels_cut_off.count, 'labels-cut-off', 'data'),
    warnIf(report.truncated.count, 'truncated', 'data'),
    warnIf(report.duplicates.count, 'duplicates', 'data'),
    warnIf(report.overlap.count, 'overlap', 'data'),
    report.rows > 0 && report.rows < FEW_ROWS ? warn('few-rows', 'data', report.rows) : null,
    report.rows > 0 && evalRows === 0 ? warn('no-eval', 'data') : null,
    writes && tokens && tokens.supervised > 0 && tokens.rows_with_stop_token === 0
      ? warn('no-stop-token', 'data')
      : null,
  ];
}

/** With one class there is nothing to tell apart; several a row may be any number. */
function hasOneClass({ config }: Draft, { labels }: DataReport): boolean {
  const { problem_type: problem } = config;
  return labels?.length === 1 && (problem ?? 'single_label_classification') === 'single_label_classification';
}

function modelChecks({ draft, model, plan, engine }: CheckFacts): Found[] {
  if (draft.config.model === null) return [block('no-model', 'model')];
  if (model === null) return [];
  const { data } = plan.settings;
  const tooLarge = engine !== null && usesSmallEngine(engine) && model.parameters > WASM_MOST_PARAMETERS;
  const tooLong = model.context_tokens !== null && data.max_length > model.context_tokens;
  return [
    model.faults.length > 0 || !model.supported ? block('model-faults', 'model', model.faults.length) : null,
    tooLarge ? block('beyond-small-engine', 'model', WASM_MOST_PARAMETERS) : null,
    tooLong ? block('too-long-for-model', 'data', model.context_tokens ?? 0) : null,
    plan.trainable === 0 ? block('no-targets', 'method') : null,
    droppedMetric(draft, plan) !== null ? warn('metric-not-measured', 'check') : null,
  ];
}

function machineChecks({ memory, diskBytes, engine, planFailed }: CheckFacts): Found[] {
  const isDiskSmall = diskBytes !== null && engine !== null && diskBytes > engine.homeDisk.freeBytes;
  return [
    planFailed ? block('plan-failed', 'check') : null,
    engine?.runtime.state === 'broken' ? block('engine-broken', 'check') : null,
    memory?.verdict === 'too-much'
      ? warn('memory-too-much', 'check', memory.limit === 'wasm' ? WASM_HEAP_BYTES : 0)
      : null,
    memory?.verdict === 'tight' ? warn('memory-tight', 'check') : null,
    isDiskSmall ? block('disk-too-small', 'check') : null,
  ];
}

function block(id: CheckId, step: StepId, count = 0): Check {
  return { id, step, level: 'block', count };
}

function warn(id: CheckId, step: StepId, count = 0): Check {
  return { id, step, level: 'warn', count };
}

function warnIf(count: number, id: CheckId, step: StepId): Found {
  return count > 0 ? warn(id, step, count) : null;
}
