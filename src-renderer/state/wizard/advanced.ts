/**
 * @file All settings of the training for who wants them, in groups, each with the control that suits it. Words are under the same
 * paths in words/fields.ts.
 */
import { LR_SCHEDULERS, OPTIMIZERS } from '../../../src-shared/schema/run-config.ts';
import type { PlannedSettings } from './plan.ts';

export type SettingSection = 'data' | 'training';

interface NumberControl {
  readonly kind: 'number';
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly stops?: readonly number[];
  readonly sensible?: readonly [number, number];
  readonly hardMin?: number;
  readonly hardMax?: number;
  readonly whole?: boolean;
  /** Shown in powers of ten. */
  readonly scientific?: boolean;
}
interface ChoiceControl {
  readonly kind: 'choice';
  readonly values: readonly string[];
}
interface SwitchControl {
  readonly kind: 'switch';
}

type Names<Section extends SettingSection> = Extract<keyof PlannedSettings[Section], string>;
export type AdvancedSetting = {
  [Section in SettingSection]: {
    readonly section: Section;
    readonly name: Names<Section>;
    readonly control: NumberControl | ChoiceControl | SwitchControl;
  };
}[SettingSection];

export type GroupId = 'length' | 'change' | 'batches' | 'checking' | 'optimizer' | 'other';

const RATES = [1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2];
const LENGTHS = [32, 64, 128, 256, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192];
const EPSILONS = [1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4];
const POWERS = [1, 2, 4, 8, 16, 32, 64];

function training(name: Names<'training'>, control: AdvancedSetting['control']): AdvancedSetting {
  return { section: 'training', name, control };
}

function data(name: Names<'data'>, control: AdvancedSetting['control']): AdvancedSetting {
  return { section: 'data', name, control };
}

const onOff = { kind: 'switch' } as const;

export const ADVANCED: Readonly<Record<GroupId, readonly AdvancedSetting[]>> = {
  length: [
    training('num_train_epochs', { kind: 'number', min: 1, max: 20, sensible: [1, 10], hardMin: 0.01, hardMax: 1000 }),
    training('max_steps', { kind: 'number', min: -1, max: 2000, hardMin: -1, hardMax: 1e7, whole: true }),
  ],
  change: [
    training('learning_rate', {
      kind: 'number',
      min: 1e-6,
      max: 1e-2,
      stops: RATES,
      sensible: [5e-5, 2e-3],
      hardMin: 1e-9,
      hardMax: 10,
      scientific: true,
    }),
    training('lr_scheduler_type', { kind: 'choice', values: LR_SCHEDULERS }),
    training('warmup_ratio', { kind: 'number', min: 0, max: 0.3, step: 0.01, sensible: [0, 0.1], hardMax: 1 }),
    training('optim', { kind: 'choice', values: OPTIMIZERS }),
    training('weight_decay', { kind: 'number', min: 0, max: 0.2, step: 0.01, sensible: [0, 0.1], hardMax: 10 }),
    training('max_grad_norm', { kind: 'number', min: 0, max: 5, step: 0.1, sensible: [0.3, 1], hardMax: 1000 }),
  ],
  batches: [
    training('per_device_train_batch_size', {
      kind: 'number',
      min: 1,
      max: 64,
      stops: POWERS,
      hardMin: 1,
      hardMax: 4096,
      whole: true,
    }),
    training('per_device_eval_batch_size', {
      kind: 'number',
      min: 1,
      max: 64,
      stops: POWERS,
      hardMin: 1,
      hardMax: 4096,
      whole: true,
    }),
    training('gradient_accumulation_steps', {
      kind: 'number',
      min: 1,
      max: 64,
      stops: POWERS,
      hardMin: 1,
      hardMax: 4096,
      whole: true,
    }),
    data('max_length', { kind: 'number', min: 32, max: 8192, stops: LENGTHS, hardMin: 2, hardMax: 1e6, whole: true }),
    data('packing', onOff),
    training('gradient_checkpointing', { kind: 'choice', values: ['auto', 'true', 'false'] }),
  ],
  checking: [
    training('eval_on_start', onOff),
    training('eval_steps', { kind: 'number', min: 0, max: 500, step: 10, hardMax: 1e7, whole: true }),
    training('load_best_model_at_end', onOff),
    training('early_stopping_patience', { kind: 'number', min: 0, max: 10, hardMax: 1000, whole: true }),
    training('save_minutes', { kind: 'number', min: 0, max: 60, sensible: [5, 20], hardMax: 1e5 }),
    training('save_steps', { kind: 'number', min: 0, max: 500, step: 10, hardMax: 1e7, whole: true }),
    training('save_total_limit', { kind: 'number', min: 1, max: 10, hardMin: 1, hardMax: 1000, whole: true }),
  ],
  optimizer: [
    training('warmup_steps', { kind: 'number', min: 0, max: 200, hardMax: 1e7, whole: true }),
    training('adam_beta1', { kind: 'number', min: 0, max: 0.99, step: 0.01, sensible: [0.85, 0.95], hardMax: 0.9999 }),
    training('adam_beta2', { kind: 'number', min: 0.9, max: 0.999, step: 0.001, hardMin: 0, hardMax: 0.999999 }),
    training('adam_epsilon', { kind: 'number', min: 1e-10, max: 1e-4, stops: EPSILONS, hardMax: 1, scientific: true }),
    training('momentum', { kind: 'number', min: 0, max: 0.99, step: 0.01, hardMax: 0.9999 }),
  ],
  other: [
    data('completion_only_loss', onOff),
    data('shuffle', onOff),
    training('seed', { kind: 'number', min: 0, max: 100, hardMax: 2 ** 31 - 1, whole: true }),
  ],
};
