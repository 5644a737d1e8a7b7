/**
 * @file Words of models and downloads.
 */
import { WASM_HEAP_BYTES, WASM_MOST_PARAMETERS } from '../../src-shared/domain/memory-model.ts';
import type { ModelFit } from '../../src-shared/domain/models.ts';
import { countOf, formatBytes } from './format.ts';

const STORED: Readonly<Record<ModelFit['precision'], string>> = {
  f32: 'in 32 bits',
  bf16: 'in 16 bits',
  int8: 'in 8 bits',
  nf4: 'in 4 bits',
};

const SMALL_ENGINE = `The small engine takes models up to ${WASM_MOST_PARAMETERS / 1e6} million numbers and ${formatBytes(WASM_HEAP_BYTES)} of memory; install TensorFlow for larger ones.`;

/** Why a model fits, or does not. */
export function fitReason({ verdict, precision, needed_bytes, available_bytes, limit }: ModelFit): string {
  if (limit === 'wasm') return SMALL_ENGINE;
  const [needed, free] = [formatBytes(needed_bytes), formatBytes(available_bytes)];
  if (verdict === 'too-much') return `Training needs about ${needed} even ${STORED[precision]}; ${free} are free.`;
  return `Training needs about ${needed} ${STORED[precision]}; ${free} are free.`;
}

export const hub = {
  onMachine: 'On this machine',
  get: 'Get a model',
  tabs: 'Which models',
  about: (size: string) => `about ${size}`,
  parameters: (count: string) => `${count} numbers`,
  downloads: (count: string) => `${count} downloads`,
  noLicence: 'licence not stated',
  gated: 'Gated',
  unusable: 'Cannot be used',
  because: (reason: string) => `Because ${reason}.`,
  here: 'On this machine',
  use: 'Use it',
  coming: 'Downloading',
  download: 'Download',
  downloadOf: (name: string) => `Download ${name}`,
  arrived: (name: string) => `${name} is here.`,
  downloading: 'Downloads',
  amount: (done: string, all: string) => `${done} of ${all}`,
  speed: (size: string) => `${size} a second`,
  left: (time: string) => `${time} left`,
  checking: 'Checking what is here already',
  beginning: 'Beginning',
  states: {
    running: 'Downloading',
    paused: 'Paused; what has come is kept',
    interrupted: 'Cut off; what has come is kept',
    failed: 'Stopped by a fault; what has come is kept',
    elsewhere: 'Another Tunesmith on this machine downloads it',
  },
  fileStates: { waiting: 'waiting', checking: 'checking', downloading: 'coming', done: 'checked' },
  files: (count: number) => countOf(count, 'file', 'files'),
  progressOf: (name: string) => `Progress of ${name}`,
  pause: 'Pause',
  resume: 'Resume',
  cancelOf: (name: string) => `Cancel the download of ${name}`,
  cancelTitle: (name: string) => `Cancel the download of ${name}?`,
  cancelText: (size: string) => `${size} that have come are deleted. Pause keeps them.`,
  cancelConfirm: 'Cancel and delete',
  keep: 'Keep it',
  searchLabel: 'Search the hub for models',
  searchPlaceholder: 'Search by name: smollm2, qwen 0.5b, llama instruct',
  search: 'Search',
  searching: 'Asking the hub',
  results: (query: string) => `Found for "${query}"`,
  onlyUsable: 'Only what can be trained here',
  onlyUsableHidden: (count: number) => `Only what can be trained here (${count} hidden)`,
  noneFound: 'Nothing was found. Try fewer or other words.',
  noneUsable: 'Nothing that was found can be trained here. Switch the filter off to see why.',
  backToStarters: 'Back to the starters',
  starters: 'Good to start with',
  startersText:
    'Chosen by us, from small to large. Sizes are about; the licence is the maker’s and comes with each model.',
  uses: {
    first: 'Learns in minutes on any machine. For a first try and for short, simple tasks.',
    small: 'Small and quick. Sorts, extracts, rewrites short texts.',
    allround: 'An all-rounder: answers, summaries, longer texts.',
    languages: 'At home in many languages, good at following a format.',
    strong: 'The best answers of this list; wants memory and patience.',
    code: 'Made for program text.',
    classify: 'Reads, does not write: puts texts into classes, quickly.',
    rewrite: 'Turns one text into another: translates, summarises, corrects.',
  },
  settings: 'Folder, token and network',
  offlineTitle: 'Offline mode is on',
  offlineText: 'The network is never used. Models on this machine work as always.',
  giveToken: 'Give a token',
  openNetwork: 'Network settings',
  openFolder: 'Choose another folder',
  removeTitle: (name: string) => `Delete ${name}?`,
  removeText: (size: string) => `This deletes its folder and frees ${size}. You can download it again.`,
  removeConfirm: (size: string) => `Delete and free ${size}`,
  deleted: (name: string, size: string) => `${name} is deleted; ${size} are free again.`,
  runsNeedIt: (runs: number) => `${countOf(runs, 'run', 'runs')} started from it and need it to go on.`,
} as const;

export const hubSettings = {
  folder: 'Folder for downloads',
  folderText: 'New downloads go here. When you change it, Tunesmith asks whether those that are here move too.',
  folderChanged: 'New downloads go there. Models that are here already stay where they are.',
  moveTitle: (count: number, size: string) => `Move ${countOf(count, 'download', 'downloads')} (${size}) there too?`,
  moveText: (to: string, free: string) =>
    `${to} has ${free} free. Where runs start from a model, a link stays in its old place, so that they can go on.`,
  moveThem: 'Move them',
  leaveThem: 'Leave them where they are',
  moving: 'Moving',
  moved: (count: number, size: string) => `${countOf(count, 'download', 'downloads')} (${size}) moved.`,
  free: (size: string) => `${size} free`,
  change: 'Change',
  usual: 'Back to the usual one',
  pick: { models_folder: 'Folder for downloads', model_places: 'Folder with models' },
  token: 'Token of your account',
  tokenStates: {
    none: 'Needed for gated models only.',
    environment: 'The one of HF_TOKEN is used.',
    session: 'You gave one; it is forgotten when Tunesmith ends.',
    kept: 'You gave one; it is kept by this computer’s keychain.',
  },
  tokenText: (endpoint: string) => `Make one at ${endpoint}/settings/tokens; "read" is enough.`,
  tokenDesktop: 'It is kept encrypted, where the system can do that, and sent to the hub alone.',
  tokenBrowser: 'It stays in memory, is written nowhere, and is sent to the hub alone.',
  tokenPlaceholder: 'hf_…',
  tokenSave: 'Use this token',
  tokenForget: 'Forget it',
  tokenTaken: 'The token is used from now on.',
  tokenForgotten: 'The token is forgotten.',
  offline: 'Offline mode',
  offlineText: 'The network is never used, not even to look for a newer version.',
  endpoint: 'Address of the hub',
  endpointText: 'For a mirror in your country or company. Leave it empty for the hub itself.',
  proxy: 'Proxy',
  proxyText: 'Leave it empty where none is needed. One with a user name belongs into HTTPS_PROXY.',
  noProxy: 'none',
  fromEnvironment: (name: string) => `Set by ${name} where Tunesmith was started.`,
  badAddress: 'An address such as http://host:port, without a user name.',
  places: 'Folders with models',
  placesText:
    'They are looked through, like the Hugging Face cache and LM Studio’s folders. Nothing in them is copied or deleted.',
  addPlace: 'Add a folder',
} as const;
