/**
 * @file Which task a run is for, where the configuration leaves it open: by the kind of model, the adapter that it goes on from, and the
 * format of the data.
 */
import { AppError } from '../../../src-shared/domain/app-error.ts';
import type { RunConfig, TaskType } from '../../../src-shared/schema/run-config.ts';
import type { ClassSet } from '../data/class-labels.ts';
import { peekFormat } from '../data/read-examples.ts';
import { openModelFolder } from '../formats/model-folder.ts';
import { makeArchitecture } from '../models/registry.ts';
import { classesOfModel, findClasses, genericNames } from './find-classes.ts';

export interface TaskChoice {
  readonly type: TaskType;
  /** Classes that the run must have: those of the adapter it goes on from. */
  readonly known: ClassSet | null;
  /** Classes of the model itself, kept where the data has no others. */
  readonly preferred: ClassSet | null;
  /** Classes to open the model with before the data is read; null for language models. */
  readonly provisional: ClassSet | null;
}

/** @throws config/invalid where task and model, or task and other settings, do not go together; what opening the model's folder throws */
export async function chooseTask(config: RunConfig): Promise<TaskChoice> {
  const folder = await openModelFolder(config.model.path);
  try {
    const { kind } = makeArchitecture(folder.config, folder);
    const adapter = config.peft.adapter_path ?? null;
    const preferred = classesOfModel(folder);
    const known = adapter === null ? null : await findClasses(folder, adapter);
    const classes = known ?? preferred;
    const type = config.task_type ?? (await guessType(config, kind, classes));
    requireTask(type, kind, String(folder.config['model_type']));
    requireNoClasses(type, config);
    if (type !== 'SEQ_CLS') return { type, known: null, preferred: null, provisional: null };
    return { type, known, preferred, provisional: provisionalOf(config, classes) };
  } finally {
    await folder.close();
  }
}

async function guessType(
  { data }: RunConfig,
  kind: ReturnType<typeof makeArchitecture>['kind'],
  classes: ClassSet | null,
): Promise<TaskType> {
  if (kind === 'encoder-decoder') return 'SEQ_2_SEQ_LM';
  if (kind === 'encoder' || classes !== null) return 'SEQ_CLS';
  const format = data.format ?? 'auto';
  const found = format === 'auto' ? await peekFormat(data.train[0]!, data.columns ?? {}) : format;
  return found === 'classification' ? 'SEQ_CLS' : 'CAUSAL_LM';
}

function requireTask(type: TaskType, kind: ReturnType<typeof makeArchitecture>['kind'], modelType: string): void {
  const fits: Readonly<Record<typeof kind, readonly TaskType[]>> = {
    causal: ['CAUSAL_LM', 'SEQ_CLS'],
    encoder: ['SEQ_CLS'],
    'encoder-decoder': ['SEQ_2_SEQ_LM'],
  };
  if (fits[kind].includes(type)) return;
  const message = `${type} does not fit a ${modelType} model`;
  throw new AppError('config/invalid', `The configuration does not fit the model: task_type: ${message}`, {
    faults: [{ field: 'task_type', message, hint: `use ${fits[kind].join(' or ')}` }],
    hint: 'Correct the named settings.',
  });
}

/** What only a classifier has would otherwise be passed over in silence. */
function requireNoClasses(type: TaskType, config: RunConfig): void {
  if (type === 'SEQ_CLS') return;
  const faults = (['problem_type', 'labels'] as const)
    .filter((field) => (config[field] ?? null) !== null)
    .map((field) => ({
      field,
      message: `is for classifiers, but the task is ${type}`,
      hint: 'leave it out, or set task_type to SEQ_CLS',
    }));
  if (faults.length === 0) return;
  const list = faults.map(({ field, message }) => `${field}: ${message}`).join('; ');
  throw new AppError('config/invalid', `The configuration contradicts itself: ${list}`, {
    faults,
    hint: 'Correct the named settings.',
  });
}

/** The names come with the data; until then their number is a guess. */
function provisionalOf({ labels, problem_type }: RunConfig, classes: ClassSet | null): ClassSet {
  const problemType = problem_type ?? classes?.problemType ?? 'single_label_classification';
  if (problemType === 'regression') return { names: genericNames(1), problemType };
  return { names: labels ?? classes?.names ?? genericNames(2), problemType };
}
