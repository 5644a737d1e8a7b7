/**
 * @file Progress of set-up: one line per stage, on stderr, so that stdout stays free for the command that follows.
 *
 * On a terminal the line is redrawn with percent and elapsed time; in a log it is written once and grows (`… 25% 50% done`);
 * as JSON every change is one object a line (the app reads that).
 */

/**
 * @typedef {object} Stage
 * @property {(fraction: number | null, detail?: string) => void} update fraction 0 to 1, or null where the size is unknown
 * @property {(detail?: string) => void} done
 * @property {() => void} fail ends the line; the error itself is printed by the program
 */
/**
 * @typedef {object} Reporter
 * @property {(name: string) => Stage} stage
 * @property {(text: string) => void} note a line outside any stage
 */
/** @typedef {{event: 'stage', stage: string, state: 'start' | 'progress' | 'done' | 'fail', fraction: number | null, detail: string}} StageEvent */

const REDRAW_MS = 200;

/**
 * @param {'text' | 'json' | 'quiet'} mode
 * @param {NodeJS.WriteStream} [stream] where text goes; JSON always goes to stdout
 * @returns {Reporter}
 */
export function createReporter(mode, stream = process.stderr) {
  if (mode === 'quiet') return quietReporter();
  if (mode === 'json') return jsonReporter((line) => process.stdout.write(line));
  const redraw = Boolean(stream.isTTY) && !process.env.CI && process.env.TERM !== 'dumb';
  return {
    stage: (name) => (redraw ? redrawnStage(name, stream) : growingStage(name, stream)),
    note: (text) => void stream.write(`${text}\n`),
  };
}

/** @returns {Reporter} */
function quietReporter() {
  return { stage: () => ({ update() {}, done() {}, fail() {} }), note() {} };
}

/**
 * @param {(line: string) => void} write
 * @returns {Reporter}
 */
export function jsonReporter(write) {
  return {
    stage(stage) {
      /** @param {StageEvent['state']} state @param {number | null} fraction @param {string} [detail] */
      const emit = (state, fraction, detail = '') =>
        write(`${JSON.stringify({ event: 'stage', stage, state, fraction, detail })}\n`);
      emit('start', 0);
      return {
        update: (fraction, detail) => emit('progress', fraction, detail),
        done: (detail) => emit('done', 1, detail),
        fail: () => emit('fail', null),
      };
    },
    note: (message) => write(`${JSON.stringify({ event: 'note', message })}\n`),
  };
}

/**
 * @param {string} name
 * @param {NodeJS.WriteStream} stream
 * @returns {Stage}
 */
function redrawnStage(name, stream) {
  const startMs = Date.now();
  let text = '';
  const draw = () => {
    const line = `${name}: ${text || 'working'} (${seconds(startMs)})`;
    stream.write(`\r\x1b[2K${line.slice(0, (stream.columns || 80) - 1)}`);
  };
  const timer = setInterval(draw, REDRAW_MS);
  timer.unref();
  draw();
  /** @param {string} ending */
  const end = (ending) => {
    clearInterval(timer);
    stream.write(`\r\x1b[2K${name}: ${ending} (${seconds(startMs)})\n`);
  };
  return {
    update(fraction, detail = '') {
      text = [detail, fraction === null ? '' : percent(fraction)].filter(Boolean).join(' ');
    },
    done: (detail = 'done') => end(detail),
    fail: () => end('failed'),
  };
}

/**
 * @param {string} name
 * @param {NodeJS.WriteStream} stream
 * @returns {Stage}
 */
function growingStage(name, stream) {
  const startMs = Date.now();
  let lastDetail = '';
  let nextQuarter = 0.25;
  stream.write(`${name}:`);
  return {
    update(fraction, detail = '') {
      if (detail && detail !== lastDetail) {
        lastDetail = detail;
        nextQuarter = 0.25;
        stream.write(` ${detail}`);
      }
      for (; fraction !== null && fraction >= nextQuarter && nextQuarter < 1; nextQuarter += 0.25) {
        stream.write(` ${percent(nextQuarter)}`);
      }
    },
    done: (detail = 'done') => void stream.write(`${lastDetail ? ';' : ''} ${detail} (${seconds(startMs)})\n`),
    fail: () => void stream.write(' failed\n'),
  };
}

/** @param {number} fraction */
function percent(fraction) {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)}%`;
}

/** @param {number} startMs */
function seconds(startMs) {
  return `${((Date.now() - startMs) / 1000).toFixed(1)} s`;
}
