/**
 * @file The files of a Hugging Face model folder that describe its tokenizer, read and checked once.
 *
 * tokenizer.json is the tokenizer itself; tokenizer_config.json, special_tokens_map.json and added_tokens.json name its special
 * tokens; generation_config.json and config.json say which tokens end an answer; the chat template is a string or a list of named
 * templates in tokenizer_config.json, or files of their own (chat_template.jinja, additional_chat_templates/*.jinja), and the files win.
 */
import { readFile, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '../../../src-shared/domain/app-error.ts';

export type UnknownRecord = Record<string, unknown>;

/** What was found; absent files are empty records. */
export interface TokenizerFiles {
  readonly dir: string;
  readonly tokenizer: UnknownRecord;
  readonly config: UnknownRecord;
  readonly specialTokensMap: UnknownRecord;
  readonly generationConfig: UnknownRecord;
  readonly modelConfig: UnknownRecord;
  /** Template name (`default` where it has none) -> Jinja text. */
  readonly chatTemplates: ReadonlyMap<string, string>;
}

/** True for a plain JSON object. */
export function isRecord(value: unknown): value is UnknownRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads the tokenizer's files of one model folder.
 * @throws tokenizer/missing where there is no tokenizer.json (and says which fix applies), tokenizer/corrupt with the file's name
 */
export async function readTokenizerFiles(dir: string): Promise<TokenizerFiles> {
  const tokenizer = await readJsonFile(path.join(dir, 'tokenizer.json'));
  if (tokenizer === null) throw await missingTokenizer(dir);
  const optional = async (name: string): Promise<UnknownRecord> => (await readJsonFile(path.join(dir, name))) ?? {};
  const config = await optional('tokenizer_config.json');
  return {
    dir,
    tokenizer,
    config,
    specialTokensMap: await optional('special_tokens_map.json'),
    generationConfig: await optional('generation_config.json'),
    modelConfig: await optional('config.json'),
    chatTemplates: await readChatTemplates(dir, config),
  };
}

async function readJsonFile(file: string): Promise<UnknownRecord | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw new AppError('tokenizer/unreadable', `${file} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (isRecord(value)) return value;
    throw new Error('it holds no JSON object');
  } catch (error) {
    throw new AppError('tokenizer/corrupt', `${file} is damaged: ${reasonOf(error)}`, {
      cause: error,
      hint: 'Copy or download this file again.',
      faults: [{ file, message: reasonOf(error) }],
    });
  }
}

async function missingTokenizer(dir: string): Promise<AppError> {
  const names: string[] = await readdir(dir).catch(() => []);
  const isFolder = await stat(dir).then(
    (info) => info.isDirectory(),
    () => false,
  );
  if (!isFolder) {
    return new AppError('tokenizer/missing', `There is no model folder ${dir}`, {
      hint: 'Check the path of the model.',
    });
  }
  const faults = [{ file: path.join(dir, 'tokenizer.json'), message: 'missing' }];
  if (names.some((name) => name.endsWith('.model'))) {
    return new AppError(
      'tokenizer/missing',
      `${dir} has no tokenizer.json, only a SentencePiece model (${names.filter((name) => name.endsWith('.model')).join(', ')}), which is not read`,
      {
        faults,
        hint: 'Convert it once in Python: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) writes tokenizer.json.',
      },
    );
  }
  return new AppError('tokenizer/missing', `${dir} has no tokenizer.json`, {
    faults,
    hint: 'Copy tokenizer.json and tokenizer_config.json from where the model came from into this folder.',
  });
}

async function readChatTemplates(dir: string, config: UnknownRecord): Promise<Map<string, string>> {
  const templates = new Map<string, string>();
  const stored = config['chat_template'];
  if (typeof stored === 'string') templates.set('default', stored);
  if (Array.isArray(stored)) {
    for (const entry of stored as unknown[]) {
      if (isRecord(entry) && typeof entry['name'] === 'string' && typeof entry['template'] === 'string') {
        templates.set(entry['name'], entry['template']);
      }
    }
  }
  const main = await readTextFile(path.join(dir, 'chat_template.jinja'));
  if (main !== null) templates.set('default', main);
  const extraDir = path.join(dir, 'additional_chat_templates');
  const extras: string[] = await readdir(extraDir).catch(() => []);
  for (const name of extras.filter((entry) => entry.endsWith('.jinja')).sort()) {
    const text = await readTextFile(path.join(extraDir, name));
    if (text !== null) templates.set(name.slice(0, -'.jinja'.length), text);
  }
  return templates;
}

async function readTextFile(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw new AppError('tokenizer/unreadable', `${file} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
