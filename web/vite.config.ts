/** Builds the dashboard into dist/web: one page, its assets named by hash, nothing from elsewhere. */

import { fileURLToPath } from 'node:url';
import { defineConfig, type UserConfig } from 'vite';

const config: UserConfig = defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  build: {
    outDir: fileURLToPath(new URL('../dist/web', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // The content security policy allows no inline script and no data: font.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  // In development the daemon serves the API.
  server: { proxy: { '/api': 'http://127.0.0.1:8470', '/docs': 'http://127.0.0.1:8470' } },
});

export default config;
