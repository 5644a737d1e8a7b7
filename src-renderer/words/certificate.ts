/**
 * @file Words of an export's certificate: what was checked, how both answered, and how other programs load it.
 */
import type { ExportVerdict } from '../../src-shared/domain/export-certificate.ts';
import type { TaskType } from '../../src-shared/schema/run-config.ts';
import { countOf } from './format.ts';

export const certificate = {
  title: 'Certificate',
  show: 'Certificate',
  copy: 'Copy the certificate',
  checkedAt: (when: string) => `Checked ${when}`,
  check: 'Check it',
  again: 'Check again',
  working: 'Checking what was written',
  verdicts: {
    same: 'It answers as the run does',
    close: 'It answers nearly as the run does',
    different: 'It does not answer as the run does',
    unchecked: 'Its answers could not be compared',
  } satisfies Record<ExportVerdict, string>,
  explained: {
    same: 'The folder was loaded anew, as another program would, and asked the same as the run’s own weights.',
    close: 'Rounding or fewer bits change some words. Try it before you rely on it.',
    different: 'Do not use this folder. Export it again with another choice, and keep the run.',
    unchecked: 'The files were read back and are whole. Why they could not be asked:',
  } satisfies Record<ExportVerdict, string>,
  short: {
    same: 'answers the same',
    close: 'answers nearly the same',
    different: 'answers otherwise',
    unchecked: 'files checked',
    none: 'not checked',
  } satisfies Record<ExportVerdict | 'none', string>,
  notChecked: 'It was written but not checked, because something else needed the machine, or you did not want to wait.',
  figures: {
    choices: 'Same likeliest next word',
    choicesOf: (share: string, positions: number) => `${share} of ${countOf(positions, 'place', 'places')}`,
    classes: 'Same class or number',
    classesOf: (share: string, positions: number) => `${share} of ${countOf(positions, 'text', 'texts')}`,
    difference: 'Largest difference of a score',
    differenceOf: (difference: string, spread: string) => `${difference}, where scores vary by ${spread}`,
    noNumber: 'one of them is no number',
    answers: 'Same answers',
    answersOf: (same: number, all: number) => `${same} of ${all}`,
    size: 'Size',
  },
  answersTitle: 'The same questions to both',
  question: 'Question',
  original: 'The run',
  written: 'The export',
  filesTitle: 'Files',
  filesNote: (count: number, size: string) => `${countOf(count, 'file', 'files')}, ${size}`,
  file: 'File',
  fileSize: 'Size',
  checksum: 'Checksum (sha256)',
  runsTitle: 'Where it runs',
  runsText: 'What other programs are told. Tunesmith checked the folder with its own engine.',
  copyCommand: 'Copy',
} as const;

export interface ProgramUse {
  readonly program: string;
  readonly note: string;
  readonly code: string;
}

const MODEL_CLASSES: Readonly<Record<TaskType, string>> = {
  CAUSAL_LM: 'ModelForCausalLM',
  SEQ_CLS: 'ModelForSequenceClassification',
  SEQ_2_SEQ_LM: 'ModelForSeq2SeqLM',
};

export interface ExportedAs {
  /** peft, merged, safetensors or bitsandbytes. */
  readonly format: string;
  readonly dir: string;
  readonly modelPath: string;
  readonly taskType: TaskType;
}

/** How an export is used elsewhere. */
export function describeUses({ format, dir, modelPath, taskType }: ExportedAs): ProgramUse[] {
  const [name, folder] = [MODEL_CLASSES[taskType], JSON.stringify(dir)];
  const writes = taskType === 'CAUSAL_LM';
  if (format === 'peft') {
    return [
      {
        program: 'Python with PEFT',
        note: `Needs the base model in ${modelPath}.`,
        code: `from peft import AutoPeft${name}\nmodel = AutoPeft${name}.from_pretrained(${folder})`,
      },
      ...(writes ? [{ program: 'vLLM', note: '', code: serveAdapter(modelPath, dir) }] : []),
    ];
  }
  const python = {
    program: format === 'bitsandbytes' ? 'Python with transformers and bitsandbytes' : 'Python with transformers',
    note: '',
    code: `from transformers import Auto${name}\nmodel = Auto${name}.from_pretrained(${folder})`,
  };
  const own = { program: 'Tunesmith', note: 'In Models, add this folder; then start runs from it.', code: dir };
  return [python, ...(writes ? [{ program: 'vLLM', note: '', code: `vllm serve ${folder}` }] : []), own];
}

function serveAdapter(modelPath: string, dir: string): string {
  return `vllm serve ${JSON.stringify(modelPath)} --enable-lora --lora-modules tuned=${JSON.stringify(dir)}`;
}
