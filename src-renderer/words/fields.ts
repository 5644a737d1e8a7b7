/**
 * @file Every setting of a run in plain words: its name, one sentence, its unit. Keys are the paths of the configuration.
 */
export interface FieldWords {
  readonly label: string;
  readonly hint: string;
  readonly unit?: string;
  /** A value that stands for something else than its number, and what. */
  readonly special?: readonly [number, string];
}

export const fields = {
  name: { label: 'Name of the run', hint: 'How you will find it again in the list.' },
  'data.format': {
    label: 'Kind of examples',
    hint: 'How the rows of your file are read: conversations, questions with answers, texts, or texts with a category.',
  },
  'data.eval_fraction': {
    label: 'Kept aside for checking',
    hint: 'These rows are not trained. The model is tested on them, so that you see whether it learned the task or only learned your rows by heart.',
  },
  'data.max_length': {
    label: 'Longest example',
    hint: 'Examples are cut after this many tokens. A token is a piece of a word; 100 tokens are about 75 English words. Longer takes more memory. With models that read with one half and write with the other, as T5, text and answer are each cut there.',
    unit: 'tokens',
  },
  'data.packing': {
    label: 'Fill batches with several short examples',
    hint: 'Puts short examples one after another instead of padding them with nothing. Faster, and they do not see each other.',
  },
  'data.shuffle': {
    label: 'Mix the order of the rows',
    hint: 'Each epoch goes through the rows in another order, so that the model does not learn from their order.',
  },
  'data.completion_only_loss': {
    label: 'Train on the answers only',
    hint: 'The questions are read but not learned. Switch it off if the model should learn to write the questions too.',
  },
  'peft.r': {
    label: 'Capacity of what is learned (rank)',
    hint: 'How much new knowledge the small added matrices can hold. More learns finer detail, takes more memory, and may learn by heart.',
  },
  'peft.lora_alpha': {
    label: 'Strength of what is learned (alpha)',
    hint: 'The added matrices count alpha divided by rank. Two to four times the rank is usual.',
  },
  'peft.lora_dropout': {
    label: 'Forgetting on purpose (dropout)',
    hint: 'A share of the inputs is left out at random in each step. Some of it helps against learning by heart on small data.',
  },
  'peft.target_modules': {
    label: 'Layers that learn',
    hint: 'Which matrices of the model get an added pair of small ones. All of them is the usual choice and learns best.',
  },
  'peft.bias': {
    label: 'Train bias values',
    hint: 'Some models have constants beside their matrices. Training them too rarely changes much.',
  },
  'quantization.double_quant': {
    label: 'Store the scales small too (double quantization)',
    hint: 'Each 64 numbers in 4 bits share a scale; the scales are stored in 8 bits. Saves another 8 %, loses next to nothing.',
  },
  'training.num_train_epochs': {
    label: 'Times through the data (epochs)',
    hint: 'How often the model sees each row. Few rows need more rounds; too many and it learns them by heart.',
    unit: 'epochs',
  },
  'training.max_steps': {
    special: [-1, 'as many as the rounds need'],
    label: 'Stop after this many steps',
    hint: 'Instead of whole rounds through the data. -1 means: as many as the epochs need.',
    unit: 'steps',
  },
  'training.learning_rate': {
    label: 'Size of each change (learning rate)',
    hint: 'How far each step moves the model. Too large and it falls apart, too small and nothing happens.',
  },
  'training.per_device_train_batch_size': {
    label: 'Examples at a time (batch size)',
    hint: 'How many examples are looked at before each change. More is steadier and takes more memory.',
  },
  'training.gradient_accumulation_steps': {
    label: 'Batches gathered before a change',
    hint: 'Works like larger batches without the memory: the results of several batches are added up before the model changes.',
  },
  'training.lr_scheduler_type': {
    label: 'Course of the learning rate (schedule)',
    hint: 'How the size of the changes goes over the run. Falling to zero at the end is the usual choice.',
  },
  'training.warmup_ratio': {
    label: 'Slow start (warm-up)',
    hint: 'Share of the run in which the learning rate rises from zero. Keeps the first steps from doing harm.',
  },
  'training.optim': {
    label: 'Way of changing (optimizer)',
    hint: 'The rule that turns gradients into changes. AdamW is the usual choice; SGD and Lion take less memory.',
  },
  'training.weight_decay': {
    label: 'Pull towards zero (weight decay)',
    hint: 'Draws the trained numbers a little towards zero in each step, against learning by heart.',
  },
  'training.max_grad_norm': {
    special: [0, 'no limit'],
    label: 'Largest step allowed (gradient clipping)',
    hint: 'A change larger than this is cut down to it, so that one odd example cannot do harm. 0 switches it off.',
  },
  'training.loraplus_lr_ratio': {
    label: 'Faster second matrix (LoRA+)',
    hint: 'Learning rate of the second small matrix against the first. Empty means the same; 16 is the LoRA+ proposal.',
  },
  'training.loraplus_lr_embedding': {
    label: 'Rate of word tables (LoRA+)',
    hint: 'Learning rate of small matrices on the table of words, where LoRA+ is used and the table is adapted.',
  },
  'training.eval_steps': {
    special: [0, 'after each round'],
    label: 'Check after every',
    hint: 'How often the kept-aside rows are tested. 0 means once at the end of each epoch.',
    unit: 'steps',
  },
  'training.eval_on_start': {
    label: 'Check before it learns',
    hint: 'Tests and asks the model before the first step too, so that you can compare before and after.',
  },
  'training.save_steps': {
    special: [0, 'not by steps'],
    label: 'Save after every',
    hint: 'A checkpoint each time after so many steps, beside those by time.',
    unit: 'steps',
  },
  'training.per_device_eval_batch_size': {
    label: 'Examples at a time in checks',
    hint: 'How many kept-aside rows are tested at once. More is faster and takes more memory.',
  },
  'training.warmup_steps': {
    special: [0, 'by the share above'],
    label: 'Slow start in steps',
    hint: 'Instead of a share of the run: so many steps in which the learning rate rises from zero.',
    unit: 'steps',
  },
  'training.adam_beta1': {
    label: 'Memory for direction (beta 1)',
    hint: 'How much AdamW, Adam and Lion keep of earlier gradients when they choose a direction.',
  },
  'training.adam_beta2': {
    label: 'Memory for size (beta 2)',
    hint: 'How long AdamW, Adam and Lion remember how large gradients were.',
  },
  'training.adam_epsilon': {
    label: 'Smallest divisor (epsilon)',
    hint: 'Keeps AdamW and Adam from dividing by almost nothing. Rarely worth a change.',
  },
  'training.momentum': {
    label: 'Momentum',
    hint: 'For SGD alone: how much of the last change is carried on into the next.',
  },
  'training.early_stopping_patience': {
    special: [0, 'never'],
    label: 'Stop early after',
    hint: 'Ends the run when this many checks in a row brought nothing better. 0 means: never.',
    unit: 'checks',
  },
  'training.load_best_model_at_end': {
    label: 'Keep the best, not the last',
    hint: 'The finished model is the one from the best check, even where training went on after it.',
  },
  'training.save_minutes': {
    special: [0, 'not by time'],
    label: 'Save at least every',
    hint: 'A checkpoint holds all that is needed to go on after a crash or a pause. 0 means: not by time.',
    unit: 'minutes',
  },
  'training.save_total_limit': {
    label: 'Checkpoints to keep',
    hint: 'Older ones are deleted; the best one always stays.',
  },
  'training.gradient_checkpointing': {
    label: 'Save memory by computing twice (gradient checkpointing)',
    hint: 'Forgets what can be computed again. Takes about a third more time and much less memory.',
  },
  'training.sample_prompts': {
    label: 'Questions to ask while it learns',
    hint: 'The model answers these at each check, so that you can read how it changes. One a line.',
  },
  'training.seed': {
    label: 'Dice (seed)',
    hint: 'The same number gives the same run. Another number shuffles and starts differently.',
  },
  'quantization.method': {
    label: 'How the base model is stored',
    hint: 'Fewer bits for each number take less memory and lose a little exactness. What is learned is always stored exactly.',
  },
} as const satisfies Record<string, FieldWords>;

export type FieldPath = keyof typeof fields;
