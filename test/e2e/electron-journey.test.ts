/**
 * @file The whole journey in a real Electron.
 */
import { playJourney } from './journey/journey.ts';
import { openElectronHost } from './support/electron-app.ts';
import { setStage } from './support/stage.ts';

playJourney(setStage(openElectronHost));
