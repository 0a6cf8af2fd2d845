import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { PlanPreview, PlanTask } from "../src/api/types";
import { answered, asks, gatedTasks, gloss, isPlanFile, params, pieces, pinsOf, planOf } from "../src/model/request";

describe("words or a plan file", () => {
  it.each([
    ["build ./shop and run it", false],
    ["list the tasks: of today", false],
    ["name: x\ntasks:\n  a: {uses: bash.run}", true],
    ["tasks : {}", true],
    ['{"name": "x", "tasks": {}}', true],
    ['{\n  "tasks": {}\n}', true],
  ])("%j", (text, file) => expect(isPlanFile(text)).toBe(file));
});

function task(id: string, more: Partial<PlanTask> = {}): PlanTask {
  const said = { effect: "change", undo: "exact", undo_note: "", asks: null, refuses: null } as const;
  return { id, uses: "bash.run", with: {}, needs: [], ...said, ...more };
}

function previewOf(...tasks: PlanTask[]): PlanPreview {
  const undo = { exact: [], compensating: [], none: [], unneeded: [], summary: "" };
  const about = { name: "p", description: null, environment: "dev", params: {}, on_failure: "stop", digest: "x" };
  return { ...about, tasks, levels: [], undo };
}

it("puts gates before the tasks that they stand before", () => {
  const gate = { ...task("gate-scan"), before: ["b"] };
  const shown = { ...previewOf(task("a"), task("b", { needs: ["a"] })), gates: [gate] };
  expect(gatedTasks(shown).map((each) => [each.id, each.needs])).toEqual([
    ["gate-scan", []],
    ["a", []],
    ["b", ["a", "gate-scan"]],
  ]);
});

it("hands on what ties a plan to what was meant, and nothing where nothing does", () => {
  expect(pinsOf(previewOf(task("a")))).toBeNull();
  expect(pinsOf(previewOf(task("a"), task("b", { pins: { context: "prod" } })))).toEqual({ b: { context: "prod" } });
});

it("asks for what the operation, the author or the policy wants a yes for", () => {
  const policy = { decision: "ask", rule: "r", reason: "prod", also: [], by_name: true };
  const every = [{}, { asks: "destroys data" }, { approval: "required" as const }, { policy }];
  expect(every.map((more) => asks(task("a", more)))).toEqual([false, true, true, true]);
});

it("makes a plan file of what was shown, without what was said about it", () => {
  const said = {
    asks: "it runs a command",
    pins: { context: "x" },
    proposed_by: "model" as const,
    undo: "none" as const,
  };
  const preview = previewOf(task("a", { with: { command: "ls" }, timeout: 30, approval: "required", ...said }));
  expect(planOf(preview)).toEqual({
    name: "p",
    environment: "dev",
    on_failure: "stop",
    tasks: { a: { uses: "bash.run", with: { command: "ls" }, needs: [], timeout: 30, approval: "required" } },
  });
});

it("works a choice into the request", () => {
  expect(answered("deploy it", "apply k8s/app.yaml to namespace shop")).toBe("apply k8s/app.yaml to namespace shop");
  expect(answered("build ./shop. ", "in staging")).toBe("build ./shop, in staging");
});

describe("words and their meanings", () => {
  it("lose no letter of the request", () => {
    const note = fc.record({
      start: fc.integer({ min: 0, max: 30 }),
      end: fc.integer({ min: 0, max: 30 }),
      text: fc.string(),
      meaning: fc.string(),
    });
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 30 }), fc.array(note), (request, notes) => {
        expect(
          pieces(request, notes)
            .map((piece) => piece.text)
            .join(""),
        ).toBe(request);
      }),
    );
  });

  it("are cut where the API says, characters beyond 16 bits counted once", () => {
    const found = pieces("🚀 build x", [{ start: 2, end: 7, text: "build", meaning: "docker.build" }]);
    expect(found).toEqual([
      { text: "🚀 ", meaning: null },
      { text: "build", meaning: "docker.build" },
      { text: " x", meaning: null },
    ]);
  });

  it("name the input alone where there is one", () => {
    expect(gloss("docker.run ports")).toBe("ports");
    expect(gloss("docker.run")).toBe("docker.run");
  });
});

describe("parameters", () => {
  it("are JSON where they can be", () => {
    expect(params("port = 8088\nname=shop\n\nhosts=[1, 2]\nurl=http://x/?a=b")).toEqual({
      port: 8088,
      name: "shop",
      hosts: [1, 2],
      url: "http://x/?a=b",
    });
  });
  it("must be NAME=VALUE", () => expect(() => params("port 8088")).toThrow('"port 8088" is not NAME=VALUE'));
});
