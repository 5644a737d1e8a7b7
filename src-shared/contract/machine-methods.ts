/**
 * @file Engine, settings, drafts, tasks.
 */
import { z } from 'zod';
import type { DoctorCheck, EngineStatus } from '../domain/machine.ts';
import type { JsonValue } from '../domain/json.ts';
import type { Task, TaskStarted } from '../domain/tasks.ts';
import { type Settings, settingsChangesSchema } from '../schema/settings.ts';
import { id, method, none } from './method.ts';

export interface DraftSummary {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly updated_at: number;
}

export interface Draft extends DraftSummary {
  /** The wizard's state, as it was saved. */
  readonly content: JsonValue;
}

export const machineMethods = {
  /** The first call takes seconds, since the runtime is loaded to ask it; later ones read memory and disk anew. */
  'engine:getStatus': method<EngineStatus>()(none),
  /** Takes seconds. */
  'engine:runDoctor': method<readonly DoctorCheck[]>()(none),
  'engine:install': method<TaskStarted<'installEngine'>>()(z.strictObject({ cuda: z.boolean() })),

  'settings:get': method<Settings>()(none),
  'settings:change': method<Settings>()(settingsChangesSchema),

  /** Latest first. */
  'drafts:list': method<readonly DraftSummary[]>()(none),
  'drafts:get': method<Draft | null>()(z.strictObject({ id })),
  'drafts:save': method<DraftSummary>()(z.strictObject({ id, name: z.string().max(300), content: z.json() })),
  'drafts:remove': method<null>()(z.strictObject({ id })),

  /** Those at work, and the latest that ended. */
  'tasks:list': method<readonly Task[]>()(none),
  'tasks:get': method<Task>()(z.strictObject({ task: id })),
  'tasks:cancel': method<null>()(z.strictObject({ task: id })),
} as const;
