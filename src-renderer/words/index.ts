/**
 * @file All words of the window, in one place. Another language is another object of this type.
 */
import { certificate } from './certificate.ts';
import { common } from './common.ts';
import { fields } from './fields.ts';
import { frame } from './frame.ts';
import { hub, hubSettings } from './hub.ts';
import { dryRun, evaluate, pausing, storageReport } from './measuring.ts';
import { compare, dataPlace, models, queue, settings } from './places.ts';
import { playground } from './playground.ts';
import { run } from './run.ts';
import { runs } from './runs.ts';
import { tour } from './tour.ts';
import { wizard } from './wizard.ts';
import { checkStep, methodStep, modelStep, precisionStep, runStep, trainingStep } from './wizard-choices.ts';
import { dataWords } from './wizard-data.ts';

export const words = {
  certificate,
  common,
  fields,
  frame,
  hub,
  hubSettings,
  playground,
  run,
  runs,
  wizard,
  data: dataWords,
  dataPlace,
  models,
  queue,
  compare,
  settings,
  modelStep,
  methodStep,
  precisionStep,
  trainingStep,
  checkStep,
  runStep,
  pausing,
  storageReport,
  dryRun,
  evaluate,
  tour,
} as const;
