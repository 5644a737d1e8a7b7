/**
 * @file The wizard: one draft, what is known about its model and data, and what follows from them. Each change is saved soon after it
 * was made; nothing is lost by going back, by leaving, or by closing the app.
 */
import type { Client } from '../../../src-shared/contract/client.ts';
import type { MethodInput } from '../../../src-shared/contract/contract.ts';
import type { PlainError } from '../../../src-shared/domain/app-error.ts';
import type { LeaveOut } from '../../../src-shared/domain/data-report.ts';
import type { ModelDetails } from '../../../src-shared/domain/models.ts';
import type { RunConfig } from '../../../src-shared/schema/run-config.ts';
import type { Engine } from '../engine.svelte.ts';
import { toFailure } from '../failure.ts';
import { createExactPlan, createInspection, type ExactPlan, type Inspection } from '../latest-task.svelte.ts';
import { Measurement } from '../measurement.svelte.ts';
import { type StepId, STEPS } from '../route.ts';
import { findChecks } from './checks.ts';
import { type Draft, type DraftConfig, EMPTY_DRAFT, type Preset, readDraft, type TaskSettings } from './draft.ts';
import { estimateDisk, estimateMemory, estimateTime, judgeMemory } from './estimate.ts';
import { buildConfig, makePlan } from './plan.ts';
import { Storages } from './storages.svelte.ts';

const SAVE_PAUSE_MS = 400;
const LOOK_PAUSE_MS = 350;

export type StepState = 'done' | 'attention' | 'open';

export class Wizard {
  readonly id: string;
  draft = $state.raw<Draft>(EMPTY_DRAFT);
  model = $state.raw<ModelDetails | null>(null);
  modelFailure = $state.raw<PlainError | null>(null);
  /** Tokens a second of the latest finished run on the chosen model. */
  measuredPace = $state<number | null>(null);
  saveFailure = $state.raw<PlainError | null>(null);
  readonly inspection: Inspection;
  readonly exact: ExactPlan;
  readonly storages: Storages;
  readonly dryRun: Measurement<'dryRun', RunConfig>;
  readonly #client: Client;
  readonly #engine: Engine;
  #saveTimer: ReturnType<typeof setTimeout> | undefined;
  #lookTimer: ReturnType<typeof setTimeout> | undefined;
  #isDirty = false;

  readonly plan = $derived.by(() =>
    makePlan(this.draft, { model: this.model, report: this.inspection.result, engine: this.#engine.status }),
  );
  /** As the engine worked it out, while nothing was changed since. */
  readonly #isPlanCurrent = $derived.by(
    () => this.draft.config.model !== null && this.exact.asked === JSON.stringify({ config: this.toConfig() }),
  );
  readonly exactPlan = $derived.by(() => (this.#isPlanCurrent ? this.exact.result : null));
  readonly memory = $derived.by(() => {
    const { model, plan, exactPlan } = this;
    const { status } = this.#engine;
    if (!model || !status) return null;
    return exactPlan ? judgeMemory(exactPlan) : estimateMemory(plan, model, status);
  });
  readonly diskBytes = $derived.by(() => {
    const { exactPlan, plan } = this;
    const kept = plan.settings.training.save_total_limit + 2;
    return exactPlan ? exactPlan.checkpoint_bytes * kept : estimateDisk(plan);
  });
  /** The trial steps of this very configuration, null where they were not done. */
  readonly measured = $derived.by(() => (this.draft.config.model ? this.dryRun.resultOf(this.toConfig()) : null));
  readonly timeMs = $derived.by(() => {
    if (this.measured) return this.measured.total_ms;
    const { status } = this.#engine;
    return this.model && status ? estimateTime(this.plan, this.model, status, this.measuredPace) : null;
  });
  readonly checks = $derived.by(() =>
    findChecks({
      draft: this.draft,
      plan: this.plan,
      report: this.inspection.result,
      isReading: this.inspection.working,
      readFailed: this.inspection.failure !== null,
      planFailed: this.exact.failure !== null && this.#isPlanCurrent,
      model: this.model,
      memory: this.memory,
      diskBytes: this.diskBytes,
      engine: this.#engine.status,
    }),
  );
  /** There is a model and data that the engine can read. */
  readonly canMeasure = $derived.by(
    () => this.model !== null && this.model.faults.length === 0 && (this.inspection.result?.rows ?? 0) > 0,
  );
  readonly doubleQuant = $derived.by(() => this.draft.config.quantization.double_quant ?? true);
  readonly canStart = $derived.by(
    () => this.model !== null && this.inspection.result !== null && !this.checks.some(({ level }) => level === 'block'),
  );

  constructor(client: Client, engine: Engine, id: string) {
    this.id = id;
    this.#client = client;
    this.#engine = engine;
    this.inspection = createInspection(client);
    this.exact = createExactPlan(client);
    this.storages = new Storages(client);
    this.dryRun = new Measurement(client, (config, pause_running) =>
      client.call('config:dryRun', { config, pause_running }),
    );
  }

  /** Reads the stored draft, or begins with the model that the person most likely wants. */
  async load(): Promise<void> {
    const stored = await this.#client.call('drafts:get', { id: this.id });
    const draft = stored && readDraft(stored.content);
    if (draft) this.draft = draft;
    else await this.#chooseFirstModel();
    await Promise.all([this.#readModel(), this.#look()]);
  }

  /** Settings given as null are set back to what is recommended. */
  change<Section extends 'data' | 'peft' | 'training' | 'quantization'>(
    section: Section,
    changes: { readonly [Key in keyof DraftConfig[Section]]?: DraftConfig[Section][Key] | undefined },
  ): void {
    const merged = Object.fromEntries(
      Object.entries({ ...this.draft.config[section], ...changes }).filter(([, value]) => value !== undefined),
    );
    this.#setConfig({ [section]: merged });
    if (section === 'data') this.#lookSoon();
  }

  setName(name: string): void {
    this.#setConfig({ name });
  }

  /** Settings given as undefined are found by model and data again. */
  setTask(changes: TaskSettings): void {
    const { task_type, problem_type, labels, ...rest } = this.draft.config;
    const task = Object.entries({ task_type, problem_type, labels, ...changes }).filter(
      ([, value]) => value !== undefined,
    );
    this.#set({ ...this.draft, config: { ...rest, ...Object.fromEntries(task) } });
    this.#lookSoon();
  }

  async setModel(path: string): Promise<void> {
    this.#setConfig({ model: { path } });
    await this.#readModel();
    this.#lookSoon();
  }

  /** The training settings that the preset decides are free again. */
  setPreset(preset: Preset): void {
    const { num_train_epochs: _epochs, early_stopping_patience: _patience, ...training } = this.draft.config.training;
    this.#set({ ...this.draft, preset, config: { ...this.draft.config, training } });
  }

  /** Puts another draft in this one's place: a loaded configuration, or an earlier state. */
  async replace(draft: Draft): Promise<void> {
    this.#set(draft);
    await Promise.all([this.#readModel(), this.#look()]);
  }

  markSeen(step: StepId): void {
    if (!this.draft.seen.includes(step)) this.#set({ ...this.draft, seen: [...this.draft.seen, step] });
  }

  lookAgain(): Promise<void> {
    return this.#look(true);
  }

  stepState(step: StepId): StepState {
    const found = this.checks.filter((check) => check.step === step);
    const seen = this.draft.seen.includes(step);
    if (found.some(({ level }) => level === 'block')) return seen ? 'attention' : 'open';
    if (found.length > 0 && seen) return 'attention';
    return seen ? 'done' : 'open';
  }

  /** Asks the engine what the run would be. */
  async planExactly(): Promise<void> {
    const blocked = this.checks.some(({ level, id }) => level === 'block' && id !== 'plan-failed');
    if (this.draft.config.model === null || blocked) this.exact.clear();
    else await this.exact.ask({ config: this.toConfig() });
  }

  /** Settings as the engine proposes them: `training.per_device_train_batch_size` -> 2. */
  applySettings(settings: Readonly<Record<string, number | string | boolean>>): void {
    for (const [path, value] of Object.entries(settings)) {
      const [section = '', name = ''] = path.split('.');
      this.change(section as 'data' | 'training' | 'quantization', { [name]: value });
    }
  }

  /** Puts copies without the named rows in the files' place. The files themselves stay as they are. @returns rows left out */
  async repair(leaveOut: readonly LeaveOut[]): Promise<number> {
    const { data } = this.draft.config;
    const { format, columns } = this.plan.settings.data;
    const files = { train: [...data.train], eval: [...(data.eval ?? [])] };
    const question = { ...files, format, columns, leave_out: [...leaveOut] };
    const repaired = await this.#client.follow(await this.#client.call('data:repair', question));
    const copyOf = (path: string): string => repaired.find(({ from }) => from === path)?.to ?? path;
    this.change('data', {
      train: data.train.map(copyOf),
      ...(data.eval && { eval: data.eval.map(copyOf) }),
    });
    return repaired.reduce((sum, { left_out }) => sum + leaveOut.reduce((all, reason) => all + left_out[reason], 0), 0);
  }

  /** Puts copies in UTF-8 in the files' place. */
  async convert(files: readonly string[]): Promise<void> {
    const { data } = this.draft.config;
    const copies = await this.#client.follow(await this.#client.call('data:convert', { files: [...files] }));
    const copyOf = (path: string): string => copies.find(({ from }) => from === path)?.to ?? path;
    this.change('data', { train: data.train.map(copyOf), ...(data.eval && { eval: data.eval.map(copyOf) }) });
  }

  toConfig(): RunConfig {
    return buildConfig(this.draft, this.plan);
  }

  /** Writes what is not written yet; call it when the wizard is left. */
  async flush(): Promise<void> {
    clearTimeout(this.#saveTimer);
    if (!this.#isDirty) return;
    this.#isDirty = false;
    try {
      const content = JSON.parse(JSON.stringify(this.draft)) as MethodInput<'drafts:save'>['content'];
      await this.#client.call('drafts:save', { id: this.id, name: this.title, content });
      this.saveFailure = null;
    } catch (error) {
      this.#isDirty = true;
      this.saveFailure = toFailure(error);
    }
  }

  /** After its run was started, or at the person's wish. */
  async discard(): Promise<void> {
    clearTimeout(this.#saveTimer);
    this.#isDirty = false;
    await this.#client.call('drafts:remove', { id: this.id });
  }

  /** For lists of drafts: its name, or its first file. */
  get title(): string {
    const { name, data } = this.draft.config;
    return name || (data.train[0]?.split(/[\\/]/).at(-1) ?? '');
  }

  #setConfig(changes: Partial<DraftConfig>): void {
    this.#set({ ...this.draft, config: { ...this.draft.config, ...changes } });
  }

  #set(draft: Draft): void {
    this.draft = draft;
    this.#isDirty = true;
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => void this.flush(), SAVE_PAUSE_MS);
  }

  #lookSoon(): void {
    clearTimeout(this.#lookTimer);
    this.#lookTimer = setTimeout(() => void this.#look(), LOOK_PAUSE_MS);
  }

  async #look(anew = false): Promise<void> {
    await this.#lookOnce(anew);
    // The lengths found may have changed the length that is recommended, which decides what is cut.
    await this.#lookOnce(false);
  }

  /** Nothing is done where the question is the same as before. */
  async #lookOnce(anew: boolean): Promise<void> {
    const { data, model, problem_type, labels } = this.draft.config;
    if (data.train.length === 0) {
      this.inspection.clear();
      return;
    }
    const settings = this.plan.settings.data;
    await this.inspection.ask(
      {
        train: [...data.train],
        eval: [...(data.eval ?? [])],
        format: settings.format,
        columns: settings.columns,
        max_length: settings.max_length,
        completion_only_loss: settings.completion_only_loss,
        template: data.template ?? null,
        // Answers are found by themselves; a classifier's rows are read in another way.
        task_type: this.plan.settings.task_type === 'SEQ_CLS' ? 'SEQ_CLS' : null,
        problem_type: problem_type ?? null,
        labels: problem_type === 'regression' ? null : (labels ?? null),
        model: this.model && this.model.faults.length === 0 ? (model?.path ?? null) : null,
      },
      anew,
    );
  }

  async #chooseFirstModel(): Promise<void> {
    const models = await this.#client.call('models:list', {}).catch(() => []);
    const usable = models.filter((model) => model.usable);
    const first = usable.find(({ source }) => source !== 'sample') ?? usable[0];
    // Not the person's change: it is not worth a stored draft.
    if (first) this.draft = { ...this.draft, config: { ...this.draft.config, model: { path: first.path } } };
  }

  async #readModel(): Promise<void> {
    const path = this.draft.config.model?.path;
    this.modelFailure = null;
    if (path === undefined) {
      this.model = null;
      return;
    }
    try {
      const model = await this.#client.call('models:describe', { path });
      if (path !== this.draft.config.model?.path) return;
      this.model = model;
      this.measuredPace = await this.#readPace(path);
    } catch (error) {
      this.model = null;
      this.modelFailure = toFailure(error);
    }
  }

  async #readPace(modelPath: string): Promise<number | null> {
    const page = await this.#client
      .call('runs:list', { states: ['finished'], sort: 'ended_at', limit: 100 })
      .catch(() => null);
    const run = page?.runs.find(
      ({ model_path, tokens, elapsed_ms }) => model_path === modelPath && tokens > 0 && elapsed_ms > 0,
    );
    return run ? (run.tokens / run.elapsed_ms) * 1000 : null;
  }
}

/** The step before or after another one, null at the ends. */
export function neighbour(step: StepId, direction: 1 | -1): StepId | null {
  return STEPS[STEPS.indexOf(step) + direction] ?? null;
}
