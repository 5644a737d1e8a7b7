/**
 * @file Language rules for each file; who may import whom is in dependency-rules.mjs. Formatting is Prettier's alone.
 */
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import tseslint from 'typescript-eslint';
import { rules as houseRules } from './scripts/lint/house-rules.mjs';

const TYPED = ['src-*/**/*.ts', 'test/**/*.ts', 'scripts/**/*.ts', 'electron.vite.config.ts'];
const SCRIPTS = ['scripts/**/*.mjs', '*.mjs', '*.js'];

export default tseslint.config(
  { ignores: ['node_modules/', 'out/', 'dist/', 'test-results/', '**/fixtures/', '**/.tmp/', '**/.venv/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: TYPED,
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['electron.vite.config.ts'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // `number | -1` names a special value, and an async interface may have a synchronous implementation.
      '@typescript-eslint/no-redundant-type-constituents': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    // Tests read foreign JSON and check what they find; types would only be claimed.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
    },
  },
  ...svelte.configs.recommended,
  {
    files: ['src-renderer/**/*.svelte', 'src-renderer/**/*.svelte.ts'],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { projectService: true, extraFileExtensions: ['.svelte'], parser: tseslint.parser },
    },
  },
  {
    files: SCRIPTS,
    languageOptions: { globals: globals.node },
    rules: { 'no-undef': 'error', 'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }] },
  },
  {
    files: [...TYPED, ...SCRIPTS],
    plugins: { house: { rules: houseRules } },
    rules: {
      'max-lines': ['error', { max: 500 }],
      eqeqeq: 'error',
      'no-console': 'error',
      'house/named-exports': 'error',
      'house/ts-extension': 'error',
    },
  },
  { files: ['src-main/cli/**', 'scripts/**'], rules: { 'no-console': 'off' } },
  { files: ['src-main/engine/recipes/**'], rules: { 'max-lines': ['error', { max: 600 }] } },
  {
    files: ['*.config.{js,mjs,ts}', 'dependency-rules.mjs', 'scripts/launch/no-skipped-tests.mjs'],
    rules: { 'house/named-exports': 'off' },
  },
);
