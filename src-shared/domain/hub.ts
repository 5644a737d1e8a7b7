/**
 * @file Models of the hub: what a search finds, what one model would take, and downloads.
 */
import type { Fault, PlainError } from './app-error.ts';
import type { ModelFit } from './models.ts';

/** One model of a search. What the hub does not tell is null. */
export interface HubModel {
  /** `maker/name`. */
  readonly id: string;
  readonly downloads: number;
  readonly likes: number;
  /** Its makers ask for something before it may be downloaded: a licence to accept, or leave to be given. */
  readonly gated: boolean;
  readonly licence: string | null;
  readonly model_type: string | null;
  readonly parameters: number | null;
  /** Of the weights; worked out from the numbers in them. */
  readonly size_bytes: number | null;
  /** Why it cannot be used; empty where it can, as far as a search tells. */
  readonly faults: readonly Fault[];
  /** Worked out from its size alone. */
  readonly fit: ModelFit | null;
  /** Folder of a copy that is on this machine. */
  readonly path: string | null;
}

/** A file that is downloaded. */
export interface HubFile {
  readonly name: string;
  readonly bytes: number;
  /** Lower-case hexadecimal; null for small files, which the hub lists without it. */
  readonly sha256: string | null;
  /** Git's own id of a file that has no sha256. */
  readonly git_id: string | null;
}

/** What is known of one model before anything large is downloaded. */
export interface HubLook {
  readonly id: string;
  /** The commit that would be downloaded. */
  readonly revision: string;
  /** The branch, tag or commit that was asked for. */
  readonly requested_revision: string;
  readonly gated: boolean;
  readonly licence: string | null;
  readonly model_type: string;
  readonly context_tokens: number | null;
  readonly parameters: number | null;
  readonly files: readonly HubFile[];
  readonly total_bytes: number;
  readonly fit: ModelFit | null;
}

export type DownloadFileState = 'waiting' | 'checking' | 'downloading' | 'done';

export interface DownloadFileProgress {
  readonly name: string;
  readonly bytes: number;
  readonly done_bytes: number;
  readonly state: DownloadFileState;
}

/** How far a download is; told a few times a second. */
export interface DownloadProgress {
  readonly files: readonly DownloadFileProgress[];
  readonly total_bytes: number;
  readonly done_bytes: number;
  /** Over the last seconds; null until something came. */
  readonly bytes_per_second: number | null;
  readonly eta_ms: number | null;
  /** Why nothing comes just now: the server asked to wait, the connection broke. */
  readonly waiting: string | null;
}

/** interrupted: its process ended before it was done. elsewhere: another process works on it. */
export type DownloadState = 'running' | 'paused' | 'interrupted' | 'failed' | 'elsewhere';

export interface Download {
  readonly id: string;
  /** `maker/name`. */
  readonly model: string;
  readonly revision: string;
  /** Where it will be, absolute path. */
  readonly dir: string;
  readonly state: DownloadState;
  readonly total_bytes: number;
  readonly done_bytes: number;
  readonly added_at: number;
  /** While it runs. */
  readonly progress: DownloadProgress | null;
  /** With `failed`. */
  readonly error: PlainError | null;
}

/** Where a setting of the way to the hub comes from. */
export type AccessSource = 'default' | 'setting' | 'environment';

/** How the hub is reached, as screens show it; never the token itself. */
export interface HubAccessView {
  readonly endpoint: string;
  readonly endpoint_source: AccessSource;
  readonly proxy: string | null;
  readonly proxy_source: AccessSource;
  readonly offline: boolean;
  readonly offline_source: AccessSource;
  /** session: told to this process, gone with it. kept: the same, and the desktop keeps it for the next start. */
  readonly token: 'none' | 'environment' | 'session' | 'kept';
  /** Where downloads go, absolute path. */
  readonly models_folder: string;
  readonly free_bytes: number;
}

/** What moving the folder of the downloads would do, or has done. */
export interface ModelsMove {
  readonly from: string;
  readonly to: string;
  /** Finished downloads and those that are not. */
  readonly models: readonly {
    readonly name: string;
    readonly path: string;
    readonly to: string;
    readonly bytes: number;
  }[];
  readonly total_bytes: number;
  /** On the disk that they would go to. */
  readonly free_bytes: number;
}

/** What taking a model away has done. */
export interface RemovedModel {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  /** 0 where its files stay. */
  readonly freed_bytes: number;
  /** Runs that start from it. */
  readonly runs: number;
}
