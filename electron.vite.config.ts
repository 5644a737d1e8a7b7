/**
 * @file How the app is built: Electron's main process and preload as CommonJS (Electron 25 loads no other), the window as files for
 * Electron's own address and for the loopback server. Core and jobs are not built: Node 24 runs their sources.
 */
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'electron-vite';
import path from 'node:path';

// Electron is no package here; electron-vite asks for its version.
process.env.ELECTRON_MAJOR_VER ??= '25';

const root = import.meta.dirname;
const at = (...parts: string[]) => path.join(root, ...parts);
/** `npm start` builds beside and moves what is whole into place. */
const out = process.env.TUNESMITH_BUILD_FOLDER ?? at('out');
/** Electron 25's Chromium, the oldest that we are tested with. */
const OLDEST_CHROMIUM = 'chrome114';

const toCommonJs = (name: string) => ({ format: 'cjs' as const, entryFileNames: `${name}.cjs` });

export default defineConfig({
  main: {
    build: {
      outDir: path.join(out, 'main'),
      emptyOutDir: true,
      externalizeDeps: false,
      rollupOptions: { input: { index: at('src-main', 'app', 'main.ts') }, output: toCommonJs('[name]') },
    },
  },
  preload: {
    build: {
      outDir: path.join(out, 'preload'),
      emptyOutDir: true,
      externalizeDeps: false,
      rollupOptions: { input: { preload: at('src-main', 'app', 'preload.ts') }, output: toCommonJs('[name]') },
    },
  },
  renderer: {
    root: at('src-renderer'),
    base: './',
    plugins: [svelte({ configFile: false })],
    build: {
      outDir: path.join(out, 'renderer'),
      emptyOutDir: true,
      target: OLDEST_CHROMIUM,
      // A page of a third of the size is there sooner.
      minify: true,
      rollupOptions: { input: { index: at('src-renderer', 'index.html') } },
    },
  },
});
