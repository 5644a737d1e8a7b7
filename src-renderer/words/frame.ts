/**
 * @file Words of the frame: rail, engine line, running job, connection.
 */
export const frame = {
  product: 'Tunesmith',
  skip: 'Skip to the content',
  rail: 'Main',
  places: {
    runs: 'Runs',
    new: 'New run',
    models: 'Models',
    data: 'Data',
    playground: 'Playground',
    queue: 'Queue',
    settings: 'Settings',
  },
  engine: {
    asking: 'Looking for the engine',
    unknown: 'Engine not known',
    broken: 'Engine does not load',
    wasm: 'Small engine (wasm)',
    line: (name: string, device: string, threads: string, memory: string) =>
      [name, device, threads, memory].filter(Boolean).join(', '),
    cpu: 'CPU',
    threads: (count: number) => `${count} ${count === 1 ? 'thread' : 'threads'}`,
    free: (size: string) => `${size} free`,
    open: 'Engine details',
  },
  job: {
    label: 'Open the run at work:',
    progress: (name: string) => `Progress of ${name}`,
    left: (time: string) => `${time} left`,
    ending: 'Saving',
    more: (count: number) => `and ${count} more`,
  },
  coming: {
    label: 'Open the downloads:',
    progress: 'Progress of the downloads',
    several: (count: number) => `${count} models`,
    stopped: 'Stopped by a fault',
  },
  connection: {
    connecting: 'Starting',
    reconnecting: 'The connection to Tunesmith is interrupted. Runs go on; this page comes back by itself.',
    lostTitle: 'Tunesmith has stopped working',
    lost: 'The part that does the work ended and could not be started again. Close Tunesmith and open it again. Runs that were cut off can be resumed.',
    restarted: 'Tunesmith restarted its inner part. What you see was read again.',
    noToken: 'This address is missing its key',
    noTokenText:
      'Open the whole address that the terminal printed, with everything after the # sign. It changes with each start.',
  },
  viewMissing: 'This screen could not be loaded',
  notices: 'Messages',
  dismiss: 'Put away',
} as const;
