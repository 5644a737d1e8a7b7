/**
 * @file Who may import whom (STYLE of the project, drawn in ARCHITECTURE.md): dependency-cruiser rules, run by `npm run lint`.
 *
 * Layers, lowest first: src-shared, engine, jobs, services, then transport and cli, then app; store stands beside engine and
 * is used by services only. Each rule forbids; what no rule forbids is allowed. Type-only imports count too.
 */

/** Lowest first; a folder imports itself and folders before it. */
const LAYERS = ['engine', 'jobs', 'services', 'transport|cli', 'app'];
/**
 * Parts of the engine, each with the parts that it may not know.
 * @type {[part: string, unknown: string][]}
 */
const ENGINE_ARROWS = [
  ['device', '(?!device/)'],
  ['ops', '(?!(device|ops|quant)/)'],
  ['quant', '(?!(device|formats|quant)/)'],
  ['nn', '(?!(device|ops|nn)/)'],
  ['loss', '(?!(device|ops|loss)/)'],
  ['models', '(?!(device|ops|nn|loss|models)/)'],
  ['compile', '(?!(device|ops|compile)/)'],
  ['weights', '(peft|compile|optim|loss|steps|recipes)/'],
  ['optim', '(?!(device|ops|weights|optim)/)'],
  ['steps', '(peft|formats|tokenizer|data|recipes)/'],
  ['peft', '(compile|loss|optim|steps|recipes)/'],
  ['(formats|tokenizer|data)', '(device|ops|nn|loss|models|peft|weights|optim|compile|steps|recipes)/'],
];

/**
 * @param {string} name
 * @param {string} from regular expression on the importing path
 * @param {string} to regular expression on the imported path
 * @param {string} comment why
 * @param {{fromNot?: string, toNot?: string}} [exceptions]
 * @returns {import('dependency-cruiser').IRegularForbiddenRuleType}
 */
function forbid(name, from, to, comment, { fromNot = '', toNot = '' } = {}) {
  return {
    name,
    severity: 'error',
    comment,
    from: { path: from, ...(fromNot && { pathNot: fromNot }) },
    to: { path: to, ...(toNot && { pathNot: toNot }) },
  };
}

const layerRules = LAYERS.slice(0, -1).map((layer, index) =>
  forbid(
    `layer-${layer.replace('|', '-')}`,
    `^src-main/(${layer})/`,
    `^src-main/(${LAYERS.slice(index + 1).join('|')})/`,
    'A lower layer does not know the layers above it.',
  ),
);

const engineRules = ENGINE_ARROWS.map(([part, unknown]) =>
  forbid(
    `engine-${part.replace(/[()]/g, '').replaceAll('|', '-')}`,
    `^src-main/engine/${part}/`,
    `^src-main/engine/${unknown}`,
    'Arrows inside the engine: device, ops, then nn and loss, models, weights, optim and steps; peft beside them; recipes on top.',
  ),
);

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Cut the cycle: move what both need below both.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'The imported file or package is not there (Electron is fetched apart).',
      from: {},
      to: { couldNotResolve: true, pathNot: '^electron$' },
    },
    forbid(
      'shared-is-lowest',
      '^src-shared/',
      '^(src-main|src-renderer|scripts|test)/',
      'src-shared runs everywhere and imports only itself.',
    ),
    {
      name: 'shared-has-no-node',
      severity: 'error',
      comment: 'src-shared runs in the window too.',
      from: { path: '^src-shared/' },
      to: { dependencyTypes: ['core'] },
    },
    ...layerRules,
    ...engineRules,
    forbid('store-is-for-services', '^src-main/', '^src-main/store/', 'The history is reached through services.', {
      fromNot: '^src-main/(store|services)/',
    }),
    forbid('store-knows-no-layer', '^src-main/store/', '^src-main/', 'Queries know rows, not engines or services.', {
      toNot: '^src-main/store/',
    }),
    forbid(
      'cli-beside-transport',
      '^src-main/transport/',
      '^src-main/cli/',
      'The command line may start a transport, not the other way.',
    ),
    forbid(
      'tensorflow-in-jobs-only',
      '^src-main/(services|transport|cli|app|store)/',
      '^src-main/engine/device/tensorflow-binding',
      'Every call into TensorFlow blocks its process; only a job process may load it.',
    ),
    forbid(
      'renderer-knows-shared-only',
      '^src-renderer/',
      '^(src-main|scripts|test)/',
      'The window talks to the core through the contract.',
    ),
    {
      name: 'renderer-has-no-node',
      severity: 'error',
      comment: 'No Node in the window.',
      from: { path: '^src-renderer/' },
      to: { dependencyTypes: ['core'] },
    },
    forbid('preload-knows-shared-only', '^src-main/app/preload', '^src-main/', 'The preload is sandboxed.', {
      toNot: '^src-main/app/preload',
    }),
    forbid(
      'renderer-api',
      '^src-renderer/api/',
      '^src-renderer/(state|components|views)/',
      'api, then state, then components, then views.',
    ),
    forbid(
      'renderer-state',
      '^src-renderer/state/',
      '^src-renderer/(components|views)/',
      'api, then state, then components, then views.',
    ),
    forbid(
      'renderer-components',
      '^src-renderer/components/',
      '^src-renderer/views/',
      'api, then state, then components, then views.',
    ),
    forbid(
      'renderer-shared-components',
      '^src-renderer/components/shared/',
      '^src-renderer/',
      'Shared components know no domain.',
      {
        toNot: '^src-renderer/components/shared/',
      },
    ),
    forbid('sqlite-in-store', '^src-', '(^|/)node_modules/better-sqlite3/|^better-sqlite3$', 'SQLite has one home.', {
      fromNot: '^src-main/store/',
    }),
    forbid(
      'electron-in-app',
      '^src-',
      '(^|/)node_modules/electron/|^electron$',
      'Everything but the app runs without Electron.',
      { fromNot: '^src-main/app/' },
    ),
    forbid('ws-in-transport', '^src-', '(^|/)node_modules/ws/|^ws$', 'Sockets have one home.', {
      fromNot: '^src-main/transport/',
    }),
    forbid('sources-know-no-tests', '^(src-|scripts/)', '^test/', 'Tests import sources, never the other way.'),
    forbid('set-up-through-services', '^src-', '^scripts/', 'Paths and runtimes are asked from services.', {
      fromNot: '^src-main/(services|jobs)/',
    }),
    forbid(
      'scripts-stand-alone',
      '^scripts/(setup|launch)/',
      '^src-',
      'Set-up runs before anything is installed, under Node 20.',
    ),
    {
      name: 'no-development-packages',
      severity: 'error',
      comment: 'The product ships without them.',
      from: { path: '^src-(main|shared)/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/(electron|@types)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(out|dist|fixtures|\\.tmp)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
