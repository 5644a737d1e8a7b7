/**
 * @file The whole journey in Debian's Chromium over `serve`, and a look at every view on its way.
 */
import { examineEmptyViews, examineEveryView } from './journey/every-view.ts';
import { playJourney } from './journey/journey.ts';
import { openBrowserHost } from './support/browser-app.ts';
import { setStage } from './support/stage.ts';

const stage = setStage(openBrowserHost);
examineEmptyViews(stage);
playJourney(stage);
examineEveryView(stage);
