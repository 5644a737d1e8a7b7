/**
 * @file What happened in a run as one list, newest first: told by events while it runs, put together from the history afterwards.
 */
import type { Values } from '../../src-shared/domain/notices.ts';
import type { CheckpointRecord, EvaluationRecord, NoticeRecord, RunRecord } from '../../src-shared/domain/history.ts';

export type Happening =
  | {
      readonly kind: 'notice';
      readonly step: number;
      readonly at: number | null;
      readonly code: string;
      readonly message: string;
      readonly values?: Values;
    }
  | {
      readonly kind: 'evaluation';
      readonly step: number;
      readonly at: number | null;
      readonly loss: number;
      readonly best: boolean;
    }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly at: number | null }
  | {
      readonly kind: 'begun' | 'ended';
      readonly step: number;
      readonly at: number;
      readonly state: RunRecord['state'];
    };

export interface HappeningSources {
  readonly run: Pick<RunRecord, 'state' | 'step' | 'started_at' | 'ended_at'>;
  readonly notices: readonly NoticeRecord[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly checkpoints: readonly CheckpointRecord[];
}

const ORDER: readonly Happening['kind'][] = ['begun', 'notice', 'evaluation', 'checkpoint', 'ended'];

export function listHappenings({ run, notices, evaluations, checkpoints }: HappeningSources): Happening[] {
  const all: Happening[] = [
    ...notices.map((notice) => ({ kind: 'notice' as const, ...notice })),
    ...evaluations.map(({ step, eval_loss: loss, best }) => ({
      kind: 'evaluation' as const,
      step,
      at: null,
      loss,
      best,
    })),
    ...checkpoints.map(({ step, created_at: at }) => ({ kind: 'checkpoint' as const, step, at })),
  ];
  if (run.started_at !== null) all.push({ kind: 'begun', step: 0, at: run.started_at, state: run.state });
  if (run.ended_at !== null) all.push({ kind: 'ended', step: run.step, at: run.ended_at, state: run.state });
  return all.sort((a, b) => b.step - a.step || ORDER.indexOf(b.kind) - ORDER.indexOf(a.kind));
}
