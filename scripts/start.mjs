/**
 * @file npm start: sets up whatever is missing, then says what can be done here.
 */
import { noteMissingTensorFlow, prepareOrExit } from './launch/prepare.mjs';

const TEXT = `Tunesmith is set up. The desktop window is not there yet; this version works in the terminal:

  npm run demo                              fine-tune the sample model on the sample data, before and after (minutes)
  node scripts/tunesmith.mjs --help         all commands
  node scripts/tunesmith.mjs doctor         what this machine can do
`;

const ready = await prepareOrExit();
noteMissingTensorFlow(ready);
process.stdout.write(TEXT);
