import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { PlanPreview } from "../src/api/types";
import { answered, gloss, isPlanFile, params, pieces, planOf } from "../src/model/request";

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

it("makes a plan file of what was shown, without what was said about it", () => {
  const preview: PlanPreview = {
    name: "p",
    description: null,
    environment: "dev",
    params: {},
    on_failure: "stop",
    digest: "x",
    levels: [["a"]],
    undo: { exact: ["a"], compensating: [], none: [], unneeded: [], summary: "" },
    tasks: [
      {
        id: "a",
        uses: "bash.run",
        with: { command: "ls" },
        needs: [],
        timeout: 30,
        approval: "required",
        effect: "change",
        undo: "none",
        undo_note: "",
        asks: "it runs a command",
        refuses: null,
      },
    ],
  };
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
