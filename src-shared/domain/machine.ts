/**
 * @file What is known of the machine and of the engine that runs on it, as screens and commands show it.
 */

export interface CpuFacts {
  readonly model: string;
  /** Cores that this process may use. */
  readonly cores: number;
  /** Instruction sets that change the engine's speed, as Linux names them; null where the system does not tell. */
  readonly features: readonly string[] | null;
}

export interface MemoryFacts {
  readonly totalBytes: number;
  /** What can be used without swapping, under the limit if there is one. */
  readonly availableBytes: number;
  /** Limit of the container or service that we run in, null without one. */
  readonly limitBytes: number | null;
  /** What expanded copies of 4-bit and 8-bit weights may take of that, beside a model that takes nothing. */
  readonly weightCacheBytes: number;
  /** Who says so. */
  readonly weightCacheSource: WeightCacheSource;
}

/** free: a share of what is free. */
export type WeightCacheSource = 'environment' | 'setting' | 'free';

export interface GpuFacts {
  readonly name: string;
  readonly memoryBytes: number;
  /** What other programs leave of it now. */
  readonly freeBytes: number;
  readonly driverVersion: string;
}

export interface DiskFacts {
  readonly folder: string;
  /** Free for this user on the disk that holds the folder. */
  readonly freeBytes: number;
}

export interface RuntimeStatus {
  readonly kind: 'cpu' | 'cuda' | 'wasm';
  /** ready: loaded and computed; missing: not installed; broken: installed, but it does not load. */
  readonly state: 'ready' | 'missing' | 'broken';
  /** Version of TensorFlow as the library itself reports it, null unless ready. */
  readonly version: string | null;
  readonly dir: string | null;
  /** Why it is missing or broken, else ''. */
  readonly detail: string;
}

export interface DeviceStatus {
  /** Where the engine computes. */
  readonly kind: 'cpu' | 'gpu';
  readonly name: string;
}

export interface EngineStatus {
  readonly runtime: RuntimeStatus;
  readonly device: DeviceStatus;
  /** Threads for one operation. */
  readonly threads: number;
  readonly cpu: CpuFacts;
  /** Graphics cards that the driver knows, used or not. */
  readonly gpus: readonly GpuFacts[];
  readonly memory: MemoryFacts;
  readonly homeDisk: DiskFacts;
  readonly cacheDisk: DiskFacts;
  /** Version of the Node that runs core and jobs. */
  readonly node: string;
}

/** ok: nothing to do; warn: it works, but slower or not for long; fail: runs cannot work. */
export type CheckState = 'ok' | 'warn' | 'fail';

export interface DoctorCheck {
  readonly name: string;
  readonly state: CheckState;
  /** What was found, one line. */
  readonly detail: string;
  /** What mends it, a command where there is one; '' when nothing is to be done. */
  readonly fix: string;
}
