import { defineConfig } from "vitest/config";

import { sourcesDigest } from "./sources.ts";

const api = process.env.REIGN_API_URL ?? "http://127.0.0.1:8470";

// The page is served by the API, from a folder of the Python package. `npm run dev` passes what is not its own on to
// an API that runs.
export default defineConfig({
  // The page is written in React and carried by Preact: the same API in a sixteenth of the size, and the whole page has
  // to be small enough to be kept in the repository and in the wheel.
  resolve: {
    alias: {
      "react/jsx-runtime": "preact/jsx-runtime",
      "react-dom/client": "preact/compat/client",
      "react-dom": "preact/compat",
      react: "preact/compat",
    },
  },
  plugins: [
    {
      name: "digest of the sources",
      // Bundles differ from machine to machine; the sources do not. .ci/run compares this digest with theirs.
      generateBundle() {
        this.emitFile({ type: "asset", fileName: "sources.sha256", source: `${sourcesDigest()}\n` });
      },
    },
  ],
  build: {
    outDir: "../reign/api/static",
    emptyOutDir: true,
    assetsInlineLimit: 0, // the page's Content-Security-Policy allows no data: addresses
    modulePreload: { polyfill: false },
    license: { fileName: "assets/licenses.md" },
    target: "es2022",
  },
  server: {
    proxy: {
      "^/(plan|runs|operations|pools|locks|resources|schedules|drift|schema|web|session)": {
        target: api,
        bypass: (request) => (request.headers.accept?.startsWith("text/html") ? "/index.html" : undefined),
      },
    },
  },
  test: { environment: "node", include: ["test/**/*.test.ts"], testTimeout: 60_000 },
});
