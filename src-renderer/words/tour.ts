/**
 * @file Words of the first look around.
 */
export const tour = {
  title: 'A short look around',
  text: (stops: number) => `${stops} places, one sentence or two each.`,
  begin: 'Show me around',
  skip: 'No, thanks',
  done: 'Done',
  position: (index: number, total: number) => `${index} of ${total}`,
  again: 'Look around again',
  againText: 'Shows the places of Tunesmith one after the other, on the page of the runs.',
  stops: {
    runs: {
      title: 'Runs',
      text: 'Every training is kept here with its curves, answers and settings. Choose two to six to compare them; a run that was cut off is offered for resuming.',
    },
    new: {
      title: 'New run',
      text: 'Seven steps from your file to a training. Each has a recommended choice and says what it costs; nothing starts before the last one, and nothing is lost when you leave.',
    },
    models: {
      title: 'Models',
      text: 'The models you can start from: the sample, folders of yours, and what was found on this machine.',
    },
    playground: {
      title: 'Playground',
      text: 'Ask the base model and the tuned one the same, side by side, or let them answer a whole file and see which answers are wrong.',
    },
    queue: {
      title: 'Queue',
      text: 'Line up several runs; one starts when the one before has ended, also overnight.',
    },
    settings: {
      title: 'Settings',
      text: 'What computes on this machine, how to add an engine for a graphics card, and the look of the window.',
    },
  },
} as const;
