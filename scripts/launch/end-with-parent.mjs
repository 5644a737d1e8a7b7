/**
 * @file Preloaded into the command line program: when its starter is gone, even by SIGKILL, it gets SIGTERM and ends in its
 * ordinary way (checkpoint, then exit). Without this a killed `npm run …` would leave a training behind.
 *
 * The starter holds a message channel that the system closes with it. The variable is removed, because processes that the
 * program forks inherit this preload, and have channels of their own.
 */
if (process.env.TUNESMITH_END_WITH_PARENT === '1' && process.channel) {
  delete process.env.TUNESMITH_END_WITH_PARENT;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}
