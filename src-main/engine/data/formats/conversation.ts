/**
 * @file Turns of a conversation: parsed from a list, roles translated, their order checked.
 */
import { type RowFault } from '../faults.ts';
import type { ChatTurn } from '../../tokenizer/chat-template.ts';
import { describe, fieldFault, type RowView } from './field-values.ts';

/** Names of a turn's keys in one format, and what its roles are called in chat templates. */
export interface TurnLayout {
  readonly roleKey: string;
  readonly contentKey: string;
  /** Role in the file -> role in the template. */
  readonly roles: Readonly<Record<string, string>>;
}

export const MESSAGES_LAYOUT: TurnLayout = {
  roleKey: 'role',
  contentKey: 'content',
  roles: {
    system: 'system',
    developer: 'developer',
    user: 'user',
    assistant: 'assistant',
    tool: 'tool',
    function: 'function',
    ipython: 'ipython',
  },
};

export const SHAREGPT_LAYOUT: TurnLayout = {
  roleKey: 'from',
  contentKey: 'value',
  roles: {
    system: 'system',
    human: 'user',
    user: 'user',
    gpt: 'assistant',
    chatgpt: 'assistant',
    assistant: 'assistant',
    bot: 'assistant',
    model: 'assistant',
    bard: 'assistant',
    bing: 'assistant',
    claude: 'assistant',
    tool: 'tool',
    observation: 'tool',
    function_response: 'tool',
    function_call: 'assistant',
  },
};

const TOOL_ROLES = new Set(['tool', 'function', 'ipython']);
const OPENING_ROLES = new Set(['system', 'developer']);

/** Parses the turns of one field. @throws RowFault with the number of the turn */
export function parseTurns(row: RowView, field: string, list: readonly unknown[], layout: TurnLayout): ChatTurn[] {
  return list.map((entry, index) => {
    const fail = (code: string, message: string, hint: string): RowFault =>
      fieldFault(row, field, code, `message ${index + 1}: ${message}`, hint);
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
      const example = `{"${layout.roleKey}": …, "${layout.contentKey}": …}`;
      throw fail(
        'data/wrong-value',
        `an object is expected, found ${describe(entry)}`,
        `Write each message as ${example}.`,
      );
    }
    const { [layout.roleKey]: role, [layout.contentKey]: content, ...rest } = entry as Record<string, unknown>;
    if (typeof role !== 'string') {
      throw fail(
        'data/missing-role',
        `it has no "${layout.roleKey}"`,
        `Say who speaks: ${Object.keys(layout.roles).slice(0, 5).join(', ')}.`,
      );
    }
    const known = layout.roles[role.toLowerCase()];
    if (known === undefined) throw fail('data/unknown-role', `the role "${role}" is unknown`, roleHint(layout));
    const text = contentText(content, fail);
    const extras = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
    if ((text === null || text.trim() === '') && !Array.isArray(extras['tool_calls']) && !OPENING_ROLES.has(known)) {
      throw fail('data/empty-message', `the ${known} says nothing`, 'Fill it in or remove the row.');
    }
    return { role: known, content: text, ...extras };
  });
}

function roleHint(layout: TurnLayout): string {
  const other = layout === MESSAGES_LAYOUT ? ' Roles like human and gpt belong to data.format sharegpt.' : '';
  return `Known roles: ${Object.keys(layout.roles).join(', ')}.${other}`;
}

type Fail = (code: string, message: string, hint: string) => RowFault;

/** A text, null, or a list of text parts (which are joined). */
function contentText(content: unknown, fail: Fail): string | null {
  if (content === null || content === undefined) return null;
  if (typeof content === 'string') return content;
  if (typeof content === 'number' || typeof content === 'boolean') return String(content);
  if (!Array.isArray(content)) {
    throw fail(
      'data/wrong-value',
      `its content must be a text, found ${describe(content)}`,
      'Write the content as a text.',
    );
  }
  const parts = content.map((part: unknown) => {
    if (typeof part === 'string') return part;
    const text = typeof part === 'object' && part !== null ? (part as { text?: unknown }).text : undefined;
    if (typeof text === 'string') return text;
    const type: unknown = typeof part === 'object' && part !== null ? (part as { type?: unknown }).type : null;
    const kind = typeof type === 'string' ? type : describe(part);
    throw fail(
      'data/not-text',
      `its content has a part that is no text (${kind})`,
      'Pictures and sound cannot be trained on; remove the row.',
    );
  });
  return parts.join('');
}

/**
 * Checks who speaks after whom: an optional system turn, then user and assistant in turns, tools only after an assistant, the
 * last word with the assistant.
 * @throws RowFault data/role-order, data/no-assistant
 */
export function checkRoleOrder(row: RowView, field: string, turns: readonly ChatTurn[]): void {
  const fail = (code: string, message: string, hint = 'Correct the order or remove the row.'): RowFault =>
    fieldFault(row, field, code, message, hint);
  if (!turns.some((turn) => turn.role === 'assistant')) {
    throw fail(
      'data/no-assistant',
      'no message is from the assistant, so there is no answer to learn',
      'Add the answer or remove the row.',
    );
  }
  let previous: string | null = null;
  for (const [index, { role }] of turns.entries()) {
    const place = `message ${index + 1}`;
    if (OPENING_ROLES.has(role)) {
      if (previous !== null && !OPENING_ROLES.has(previous)) {
        throw fail('data/role-order', `${place}: the ${role} message must come first`);
      }
    } else if (role === 'user') {
      if (previous === 'user') throw fail('data/role-order', `${place}: two user messages follow each other`);
      if (previous !== null && TOOL_ROLES.has(previous)) {
        throw fail(
          'data/role-order',
          `${place}: a user message follows a tool result, the assistant's answer is missing`,
        );
      }
    } else if (role === 'assistant') {
      if (previous === null || OPENING_ROLES.has(previous)) {
        throw fail('data/role-order', `${place}: the assistant speaks before the user`);
      }
      if (previous === 'assistant') throw fail('data/role-order', `${place}: two assistant messages follow each other`);
    } else if (previous === null || !(previous === 'assistant' || TOOL_ROLES.has(previous))) {
      throw fail('data/role-order', `${place}: a tool result must follow an assistant message`);
    }
    previous = role;
  }
  if (previous !== 'assistant') {
    throw fail('data/role-order', `the last message is from the ${previous ?? 'nobody'}, its answer is missing`);
  }
}
