/**
 * @file Two small lint rules of our own, which no installed plugin has.
 */

/** Default exports have no name of their own, so searching and renaming miss them. Configuration files are exempt. */
const namedExports = {
  meta: { type: /** @type {const} */ ('problem'), schema: [], messages: { named: 'Export by name, not as default.' } },
  /** @param {import('eslint').Rule.RuleContext} context */
  create(context) {
    return {
      /** @param {import('estree').Node} node */
      ExportDefaultDeclaration(node) {
        context.report({ node, messageId: 'named' });
      },
    };
  },
};

/** Sources run unbuilt under Node, which needs the file's real name in a relative import. */
const tsExtension = {
  meta: {
    type: /** @type {const} */ ('problem'),
    schema: [],
    messages: { extension: 'Write the whole file name in a relative import ("{{name}}").' },
  },
  /** @param {import('eslint').Rule.RuleContext} context */
  create(context) {
    /** @param {{source?: import('estree').Expression | import('estree').Literal | null}} node */
    const check = ({ source }) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string') return;
      const name = source.value;
      if (!name.startsWith('.') || /\.(ts|js|mjs|cjs|json|svelte|css)(\?\w+)?$/.test(name)) return;
      context.report({ node: source, messageId: 'extension', data: { name } });
    };
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};

export const rules = { 'named-exports': namedExports, 'ts-extension': tsExtension };
