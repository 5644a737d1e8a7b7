/**
 * @file What a job hands to a recipe and what it gets back. Types only: jobs, services and recipes meet here.
 *
 * A recipe computes; the job around it owns the process, the lock on the run folder, events.jsonl and the checkpoints on disk.
 * So a recipe never names a file of the run folder: it gives bytes to the `CheckpointStore` and events to the `EngineHost`.
 */
import type { ClassProbability } from '../../../src-shared/domain/class-probability.ts';
import type { EvaluatedTask } from '../../../src-shared/domain/evaluation.ts';
import type { BehaviourCheck } from '../../../src-shared/domain/export-certificate.ts';
import type { JsonValue } from '../../../src-shared/domain/json.ts';
import type { QuantizeReport } from '../../../src-shared/domain/quantize-report.ts';
import type { RunEvent, TrainResultEvent } from '../../../src-shared/domain/run-events.ts';
import type {
  DataConfig,
  QuantizationConfig,
  ResolvedRunConfig,
  RunConfig,
} from '../../../src-shared/schema/run-config.ts';
import type { FileSet } from '../formats/file-set.ts';

export type { FileContent, FileSet } from '../formats/file-set.ts';

/** What every recipe gets from the process that it runs in. */
export interface EngineHost {
  /** Native binding of TensorFlow; null = the wasm engine. */
  readonly bindingPath: string | null;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Aborted when the person, the app or the end of the parent asks to stop. */
  readonly signal: AbortSignal;
  /** Kept in events.jsonl and passed on. `checkpoint`, `result` and `error` are reported by the job itself. */
  report(event: RunEvent): void;
}

export interface CheckpointToSave {
  /** Optimizer steps done; the folder is `checkpoint-<step>`. */
  readonly step: number;
  /** adapter_model.safetensors, adapter_config.json, optimizer.safetensors: what resuming and exporting need. */
  readonly files: FileSet;
  /** Everything that is no tensor: random number generators, sampler position, log history, execution mode. */
  readonly state: JsonValue;
  /** Best evaluation so far: kept whatever `save_total_limit` says. */
  readonly best: boolean;
}

/** A complete checkpoint, its sizes and checksums verified. */
export interface LoadedCheckpoint {
  readonly step: number;
  /** Absolute path of `checkpoint-<step>`. */
  readonly dir: string;
  readonly files: readonly string[];
  readonly state: JsonValue;
  readonly best: boolean;
}

export interface CheckpointStore {
  /**
   * Asks, before the first step, whether the disk holds what the run will write.
   * @param checkpointBytes size of one checkpoint
   * @throws disk/no-space
   */
  requireSpace(checkpointBytes: number): Promise<void>;
  /** Writes beside, flushes, renames, drops what the limit does not keep, reports `checkpoint`. @throws disk/full */
  save(checkpoint: CheckpointToSave): Promise<LoadedCheckpoint>;
  /** The best checkpoint that is still there, for `load_best_model_at_end`. */
  loadBest(): Promise<LoadedCheckpoint | null>;
  /** Writes the final adapter (or model) as one folder. @returns its absolute path. @throws disk/full */
  writeFinal(files: FileSet): Promise<string>;
}

export interface FineTuneOptions {
  readonly host: EngineHost;
  /** As the person wrote it; the recipe fills the gaps. A resumed run gives what was stored, gaps filled already. */
  readonly config: RunConfig;
  readonly runDir: string;
  readonly checkpoints: CheckpointStore;
  readonly resume: LoadedCheckpoint | null;
  /** What earlier runs on this machine took over what was estimated; 1 where left out. */
  readonly memoryCorrection?: number;
  /** Called once, before the first step: run.json is written from it. */
  setResolved(config: ResolvedRunConfig): Promise<void>;
}

/** `best_checkpoint` and `adapter_dir` are absolute paths. */
export type TrainResult = Omit<TrainResultEvent, 'event' | 'run_dir'>;

/**
 * Fine-tunes to the end. On abort: saves a checkpoint (after the first step) and throws `Interrupted`.
 * @throws AppError for whatever the person can mend
 */
export type FineTune = (options: FineTuneOptions) => Promise<TrainResult>;

/** Which weights to compute with. */
export interface ModelSource {
  readonly modelDir: string;
  /** PEFT or native adapter folder, a checkpoint included. */
  readonly adapterDir: string | null;
  /** How frozen weights are stored; left out = as in the file, f32 where the file is f32. */
  readonly quantization?: Partial<QuantizationConfig>;
}

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface GenerateRequest {
  /** Messages go through the model's chat template; a prompt is taken as it is. */
  readonly input: { readonly messages: readonly ChatMessage[] } | { readonly prompt: string };
  readonly maxNewTokens: number;
  /** 0 = greedy. */
  readonly temperature: number;
  /** 1 = all tokens. */
  readonly topP: number;
  readonly seed: number;
  /** Strings that end the answer, beside the model's own stop tokens. */
  readonly stop: readonly string[];
  /** Ends this answer (stop_reason `interrupted`), not the session. */
  readonly signal: AbortSignal;
  /** New text since the last call; whole characters only. */
  readonly onText: (chunk: string) => void;
}

export interface GenerateResult {
  readonly text: string;
  /** Classifiers: every class with its probability, the likeliest first; of one masked word the likeliest words. */
  readonly classes?: readonly ClassProbability[];
  /** Tokens made. */
  readonly tokens: number;
  readonly prompt_tokens: number;
  readonly tokens_per_second: number;
  /** `classified`: nothing was written. */
  readonly stop_reason: 'stop_token' | 'stop_string' | 'max_new_tokens' | 'context_full' | 'interrupted' | 'classified';
}

/** A loaded model that answers many times: one playground, one chat. */
export interface Generator {
  generate(request: GenerateRequest): Promise<GenerateResult>;
}

export type OpenGenerator = (options: ModelSource & { readonly host: EngineHost }) => Promise<Generator>;

export interface ComputeLogitsOptions extends ModelSource {
  readonly host: EngineHost;
  readonly input: { readonly tokens: readonly number[] } | { readonly text: string };
  /** Encoder-decoders only. */
  readonly decoderTokens: readonly number[] | null;
}

export interface Logits {
  readonly data: Float32Array<ArrayBuffer>;
  /** [seq, vocab], for encoder-decoders [decoder seq, vocab], for classifiers [1, labels]. */
  readonly shape: readonly [number, number];
}

export type ComputeLogits = (options: ComputeLogitsOptions) => Promise<Logits>;

/**
 * Figures beyond loss and perplexity. `exact_match` tells the answer to each row, which a language model writes greedily; a classifier's
 * own figures are always given.
 */
export type EvaluateMetric = 'exact_match' | 'accuracy' | 'f1' | 'rouge_l';

export interface EvaluateOptions extends ModelSource {
  readonly host: EngineHost;
  readonly data: {
    readonly paths: readonly string[];
    readonly format: DataConfig['format'];
    readonly columns: DataConfig['columns'];
    readonly template: DataConfig['template'];
    /** null = the model's own limit. */
    readonly max_length: number | null;
    readonly completion_only_loss: boolean;
  };
  readonly metrics: readonly EvaluateMetric[];
  /** null = chosen by the engine. */
  readonly batchSize: number | null;
  /** Longest answer where one is written. */
  readonly maxNewTokens: number;
  /** Masked language models: says which tokens are hidden; 42 where left out. */
  readonly seed?: number;
}

/** One written answer beside the wanted one. */
export interface EvaluatedAnswer {
  readonly prompt: string;
  readonly expected: string;
  readonly answer: string;
  readonly correct: boolean;
}

export interface EvaluateResult {
  /** What the model was measured at. */
  readonly task_type: EvaluatedTask;
  readonly eval_loss: number;
  /** null where the loss is not that of a model that writes. */
  readonly perplexity: number | null;
  /** Tokens with a label; classifiers: rows. */
  readonly tokens: number;
  readonly rows: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** In the order of the rows; empty where no metric writes answers. */
  readonly answers: readonly EvaluatedAnswer[];
}

export type Evaluate = (options: EvaluateOptions) => Promise<EvaluateResult>;

export interface QuantizeReportOptions {
  readonly host: EngineHost;
  readonly modelDir: string;
  readonly data: EvaluateOptions['data'];
  /** Rows to measure on, spread over the files. */
  readonly maxRows: number;
}

export type MakeQuantizeReport = (options: QuantizeReportOptions) => Promise<QuantizeReport>;

export interface CompareModelsOptions {
  readonly host: EngineHost;
  /** What was trained. */
  readonly original: ModelSource;
  /** What was written of it. */
  readonly written: ModelSource;
  /** What a person might ask; at least one. */
  readonly prompts: readonly string[];
}

export type CompareModels = (options: CompareModelsOptions) => Promise<BehaviourCheck>;

export interface MergeOptions {
  readonly host: EngineHost;
  readonly modelDir: string;
  readonly adapterDir: string;
  /** Written beside and renamed at the end; must not exist or be empty. */
  readonly outputDir: string;
  /** null = the model's own. */
  readonly dtype: 'f32' | 'f16' | 'bf16' | null;
}

export interface ExportOptions {
  readonly host: EngineHost;
  readonly modelDir: string;
  /** null = the model alone; peft needs one. */
  readonly adapterDir: string | null;
  /** peft: the adapter; safetensors: a merged model; bitsandbytes: a merged model in 4 or 8 bits. */
  readonly format: 'peft' | 'safetensors' | 'bitsandbytes';
  /** Written beside and renamed at the end; must not exist or be empty. */
  readonly outputDir: string;
  /** safetensors only; null = the model's own. */
  readonly dtype?: MergeOptions['dtype'];
  /** bitsandbytes only: nf4 or int8. */
  readonly quantization?: QuantizationConfig;
  /** bitsandbytes only: how the weights were kept while the adapter was trained; left out = as they are exported. */
  readonly trainedOn?: QuantizationConfig;
}

/** What was written. */
export interface WrittenFolder {
  readonly dir: string;
  readonly files: readonly string[];
  readonly bytes: number;
}

export type MergeAdapter = (options: MergeOptions) => Promise<WrittenFolder>;
export type ExportModel = (options: ExportOptions) => Promise<WrittenFolder>;
