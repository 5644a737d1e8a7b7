/**
 * @file How the tests run. Each file gets a process of its own: TensorFlow keeps its state and its memory until a process ends.
 */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  // The window's state is written with runes.
  plugins: [svelte({ configFile: false })],
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, '**/.tmp/**'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What is waited for may be slow to come on a busy machine; vitest's own second says nothing.
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default', './scripts/launch/no-skipped-tests.mjs'],
    env: { TF_CPP_MIN_LOG_LEVEL: '3' },
  },
});
