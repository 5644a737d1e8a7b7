/**
 * @file The hub: looking for models, downloads, and the way there. A token goes in and never comes out.
 */
import { z } from 'zod';
import type { Download, HubAccessView, HubLook, HubModel, ModelsMove } from '../domain/hub.ts';
import type { ListedModel } from '../domain/models.ts';
import type { StarterUse } from '../domain/starter-models.ts';
import type { TaskStarted } from '../domain/tasks.ts';
import { filePath, id, method, none } from './method.ts';

/** `maker/name`; what it may look like exactly is the service's to say. */
const modelName = z.string().trim().min(1).max(200);
const revision = z.string().trim().min(1).max(200).optional();

/** What came of asking for a download: it was begun, or the model is on this machine already. */
export type DownloadStarted =
  { readonly download: Download; readonly model: null } | { readonly download: null; readonly model: ListedModel };

/** A starter, judged like a model of a search. */
export type HubStarter = HubModel & { readonly use: StarterUse };

export const hubMethods = {
  /** Those of families that the engine has, from small to large; asks nobody. */
  'hub:listStarters': method<readonly HubStarter[]>()(none),
  /** Most downloaded first. @throws hub/… */
  'hub:search': method<readonly HubModel[]>()(
    z.strictObject({ query: z.string().trim().min(1).max(200), limit: z.int().positive().max(100).default(30) }),
  ),
  /** Reads its configuration and its list of files. @throws hub/…, model/not-usable with every reason */
  'hub:look': method<HubLook>()(z.strictObject({ model: modelName, revision })),
  'hub:getAccess': method<HubAccessView>()(none),
  /** Kept in the memory of core alone; null forgets it. @param kept the desktop keeps it for the next start */
  'hub:setToken': method<HubAccessView>()(
    z.strictObject({ token: z.string().max(500).nullable(), kept: z.boolean().default(false) }),
  ),

  /** What `models:moveFolder` would move. */
  'models:planMove': method<ModelsMove>()(z.strictObject({ to: filePath })),
  /**
   * Downloads go there from now on, and those that are here move too; where runs start from one, a link stays in its old place.
   * @throws (of the task) disk/no-space, model/in-use, download/at-work
   */
  'models:moveFolder': method<TaskStarted<'moveModels'>>()(z.strictObject({ to: filePath })),

  /** Those that are not finished, in the order they were begun. */
  'downloads:list': method<readonly Download[]>()(none),
  /** Its end is told as `download:ended`. @throws as `hub:look`; disk/…, download/folder-in-use */
  'downloads:start': method<DownloadStarted>()(
    z.strictObject({ model: modelName, revision, dir: filePath.optional() }),
  ),
  'downloads:pause': method<null>()(z.strictObject({ id })),
  'downloads:resume': method<Download>()(z.strictObject({ id })),
  /** Deletes what has come so far. */
  'downloads:cancel': method<null>()(z.strictObject({ id })),
} as const;
