/**
 * @file All services, built once for a home. The command line and the app use the same ones.
 */
import path from 'node:path';
import type { Pace } from '../jobs/hub/patience.ts';
import { createDataService, type DataService } from './data-service.ts';
import { createDownloadService, type DownloadObserver, type DownloadService } from './download-service.ts';
import { createDraftService, type DraftService } from './draft-service.ts';
import { createDryRunService, type DryRunService } from './dry-run-service.ts';
import { createExportChecks, type ExportCheckService } from './export-check.ts';
import { createExportService, type ExportService } from './export-service.ts';
import { createHistory, type History } from './history.ts';
import { createHubAccess, type HubAccessService } from './hub-access.ts';
import { createHubService, type HubService } from './hub-service.ts';
import { createInferenceService, type InferenceService } from './inference-service.ts';
import { createJobRunner } from './job-runner.ts';
import { createModelService, type ModelService, RESOURCES_FOLDER } from './model-service.ts';
import { createModelsFolderService, type ModelsFolderService } from './models-folder-service.ts';
import type { Notice } from './notice.ts';
import { createQuantizationService, type QuantizationService } from './quantization-service.ts';
import { createQueueService, type QueueService } from './queue-service.ts';
import { createRunLibrary, type RunLibrary } from './run-library.ts';
import { createRunService, type RunObserver, type RunService } from './run-service.ts';
import { createSettingsService, type SettingsService } from './settings-service.ts';
import { kernelCacheVariables } from './kernel-cache.ts';
import { createWeightCache, type WeightCache } from './weight-cache.ts';

export interface ServicesOptions extends DownloadObserver {
  /** Absolute path; made at its first use (app-paths.ts knows the usual one). */
  readonly home: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Folder with sample-model/ and sample-data/. */
  readonly resources?: string;
  /** Told what was found and mended when the history is opened. */
  readonly onNotice?: (notice: Notice) => void;
  /** Another job entry; tests have one without an engine. */
  readonly jobEntry?: string;
  /** Told of every run of this process. */
  readonly observer?: RunObserver;
  /** How long the hub is waited for; tests wait less. */
  readonly hubPace?: Pace;
}

export interface Services {
  readonly home: string;
  /** Folder with sample-model/ and sample-data/. */
  readonly resources: string;
  readonly history: History;
  readonly runs: RunService;
  readonly models: ModelService;
  readonly access: HubAccessService;
  readonly hub: HubService;
  readonly downloads: DownloadService;
  readonly modelsFolder: ModelsFolderService;
  readonly inference: InferenceService;
  readonly exports: ExportService;
  readonly exportChecks: ExportCheckService;
  readonly quantization: QuantizationService;
  readonly queue: QueueService;
  readonly settings: SettingsService;
  readonly weightCache: WeightCache;
  readonly library: RunLibrary;
  readonly data: DataService;
  readonly dryRuns: DryRunService;
  readonly drafts: DraftService;
  /** Call it once, when no run is at work any more. */
  close(): Promise<void>;
}

export function createServices(options: ServicesOptions): Services {
  const { env = process.env, resources = RESOURCES_FOLDER, onNotice = () => {}, jobEntry, observer } = options;
  const { hubPace, onDownload, onDownloadEnd } = options;
  const home = path.resolve(options.home);
  const history = createHistory({ home, onNotice });
  const settings = createSettingsService(history);
  const weightCache = createWeightCache({ home, env, settings, onNotice });
  const jobs = createJobRunner({
    ...{ env, jobEntry },
    variables: async (runtime) => ({
      ...(await weightCache.variables()),
      ...(await kernelCacheVariables(env, runtime)),
    }),
  });
  const runs = createRunService({ home, history, jobs, observer, onNotice });
  const access = createHubAccess({ home, env, settings, ...(hubPace && { pace: hubPace }) });
  const places = async () => [await access.modelsFolder(), ...(await settings.read()).model_places];
  const models = createModelService({ history, resources, env, places });
  const hub = createHubService({ env, access, models });
  const downloads = createDownloadService({ history, jobs, access, hub, models, onDownload, onDownloadEnd });
  return {
    home,
    resources,
    history,
    runs,
    models,
    access,
    hub,
    downloads,
    modelsFolder: createModelsFolderService({ history, access, settings, models, downloads }),
    inference: createInferenceService(jobs),
    exports: createExportService({ home, history, jobs }),
    exportChecks: createExportChecks({ history, jobs }),
    quantization: createQuantizationService(home, jobs),
    queue: createQueueService({ home, history, runs }),
    settings,
    weightCache,
    library: createRunLibrary({ history, runs }),
    data: createDataService({ home, history, jobs }),
    dryRuns: createDryRunService({ home, history, jobs }),
    drafts: createDraftService(history),
    async close() {
      await downloads.close();
      await history.close();
    },
  };
}
