import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect, it } from "vitest";

import { sourcesDigest } from "../sources";

const STATIC = fileURLToPath(new URL("../../reign/api/static", import.meta.url));
const LARGEST = 400_000; // bytes of the whole page: it is kept in the repository and in the wheel

const files = readdirSync(STATIC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name));

it("is built from these sources: `make web` builds it", () => {
  expect(readFileSync(join(STATIC, "sources.sha256"), "utf8").trim()).toBe(sourcesDigest());
});

it("is small", () => {
  expect(files.reduce((sum, file) => sum + statSync(file).size, 0)).toBeLessThan(LARGEST);
});

it("asks no other host for anything", () => {
  for (const file of files.filter((name) => /\.(html|css)$/.test(name)))
    expect(readFileSync(file, "utf8")).not.toMatch(/(?:https?:)?\/\/[\w.-]+\.\w/);
});
