/**
 * @file What core tells without being asked. Every client hears everything; ids say what it is about.
 */
import type { Download, HubAccessView } from '../domain/hub.ts';
import type { ListedModel } from '../domain/models.ts';
import type { ActiveRunState, QueueView, RunSummary, TimedRunEvent } from '../domain/run-views.ts';
import type { Task } from '../domain/tasks.ts';
import type { Settings } from '../schema/settings.ts';
import type { ChatAnswered, ChatState } from './chat-methods.ts';
import type { Values } from '../domain/notices.ts';

export interface PushEvents {
  /** What a run at work told since the last such event, in its order, none left out. */
  'run:eventsReported': { readonly run: string; readonly events: readonly TimedRunEvent[] };
  /** At most four a second for each run. */
  'run:progressed': ActiveRunState;
  /** A run began, changed its state, or was renamed, tagged, annotated. */
  'run:changed': RunSummary;
  /** Runs were put into the trash, taken out of it or deleted. */
  'runs:moved': { readonly runs: readonly string[] };
  'queue:changed': QueueView;
  'task:changed': Task;
  'chat:changed': ChatState;
  'chat:textAdded': { readonly chat: string; readonly answer: string; readonly text: string };
  'chat:answered': ChatAnswered;
  'settings:changed': Settings;
  'models:changed': { readonly reason: 'imported' | 'removed' | 'downloaded' | 'moved' };
  /** At most four a second for each. */
  'download:changed': Download;
  /** With the model where it is finished, null where it was cancelled. */
  'download:ended': { readonly id: string; readonly model: ListedModel | null };
  'hub:accessChanged': HubAccessView;
  /** Something that the person should know, though nothing failed. */
  'notice:told': { readonly code: string; readonly message: string; readonly values?: Values };
  /** Heavy work: while any is going on the machine should not sleep. */
  'work:changed': { readonly training: boolean; readonly tasks: number };
}

export type PushName = keyof PushEvents;
