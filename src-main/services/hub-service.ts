/**
 * @file Looking for models on the hub, and at one before it is downloaded.
 */
import type { HubStarter } from '../../src-shared/contract/hub-methods.ts';
import type { HubLook, HubModel } from '../../src-shared/domain/hub.ts';
import type { ListedModel } from '../../src-shared/domain/models.ts';
import { STARTER_MODELS } from '../../src-shared/domain/starter-models.ts';
import { openHub } from '../jobs/hub/hub-client.ts';
import { lookAtModel, type LookedAt } from '../jobs/hub/look-at-model.ts';
import { searchModels } from '../jobs/hub/search-models.ts';
import type { HubAccessService } from './hub-access.ts';
import { loadConfigJudge } from './judge-config.ts';
import { readTrainingRoom } from './list-models.ts';
import { supportedTypes } from './model-details.ts';
import { guessFit, judgeFit } from './model-fit.ts';
import type { ModelService } from './model-service.ts';

export interface SearchRequest {
  readonly query: string;
  readonly limit?: number;
  readonly signal?: AbortSignal;
  /** Told why nothing comes, null when it goes on. */
  readonly onWait?: (reason: string | null) => void;
}

export interface LookRequest {
  readonly model: string;
  /** Branch, tag or commit. */
  readonly revision?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: ((reason: string | null) => void) | undefined;
}

export interface HubService {
  /** Our choice, of families that the engine has; asks nobody. */
  listStarters(): Promise<HubStarter[]>;
  /** Most downloaded first. @throws hub/… */
  search(request: SearchRequest): Promise<HubModel[]>;
  /** Reads its list of files and its configuration. @throws hub/…, model/not-usable with every reason */
  look(request: LookRequest): Promise<HubLook>;
  /** The same, for a download. */
  lookForDownload(request: LookRequest): Promise<LookedAt>;
}

export interface HubServiceOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly access: HubAccessService;
  readonly models: Pick<ModelService, 'list'>;
}

const USUAL_LIMIT = 20;

export function createHubService({ env, access, models }: HubServiceOptions): HubService {
  const lookForDownload: HubService['lookForDownload'] = async ({ model, revision, signal, onWait }) => {
    const hub = openHub(await access.open(), { ...(signal && { signal }), ...(onWait && { onWait }) });
    const judgeConfig = await loadConfigJudge();
    return lookAtModel(hub, model.trim(), { judgeConfig, ...(revision && { revision }) });
  };
  return {
    async listStarters() {
      const [types, own, room] = await Promise.all([supportedTypes(), models.list(), readTrainingRoom(env)]);
      return STARTER_MODELS.filter(({ model_type }) => types.includes(model_type)).map((starter) => ({
        ...starter,
        downloads: 0,
        likes: 0,
        faults: [],
        fit: guessFit(starter.parameters, room),
        path: findCopy(own, starter.id)?.path ?? null,
      }));
    },
    async search({ query, limit = USUAL_LIMIT, ...following }) {
      const hub = openHub(await access.open(), following);
      const options = { limit, supportedTypes: await supportedTypes() };
      const [found, own, room] = await Promise.all([
        searchModels(hub, query.trim(), options),
        models.list(),
        readTrainingRoom(env),
      ]);
      return found.map((model) => ({
        ...model,
        fit: model.parameters === null ? null : guessFit(model.parameters, room),
        path: findCopy(own, model.id)?.path ?? null,
      }));
    },
    async look(request) {
      const { config, ...looked } = await lookForDownload(request);
      const context = [config['max_position_embeddings'], config['n_positions']].find((n) => typeof n === 'number');
      return {
        ...looked,
        context_tokens: typeof context === 'number' ? context : null,
        parameters: null,
        fit: await judgeFit(config, await readTrainingRoom(env)),
      };
    },
    lookForDownload,
  };
}

/** A whole copy on this machine. @param revision null = any */
export function findCopy(
  own: readonly ListedModel[],
  model: string,
  revision: string | null = null,
): ListedModel | null {
  const isCopy = (listed: ListedModel) =>
    listed.usable && listed.name === model && (revision === null || listed.revision === revision);
  return own.find(isCopy) ?? null;
}
