import { describe, expect, it } from "vitest";

import type { RunState, RunSummary } from "../src/api/types";
import { matching } from "../src/model/search";
import { look, LOOKS, runEnded, TASK_ORDER, verbs } from "../src/model/states";

describe("states", () => {
  it("each have a mark and words, for those who see no colour", () => {
    for (const { mark, words } of Object.values(LOOKS)) expect([mark.length, words.length > 3]).toEqual([1, true]);
    const marks = TASK_ORDER.map((state) => look(state).mark);
    expect(new Set(marks).size).toBe(marks.length);
  });

  it("that this page does not know yet are shown by their names", () => {
    expect(look("being_weighed")).toMatchObject({ words: "being weighed" });
  });

  it.each([
    ["running", false, ["pause", "cancel"]],
    ["paused", false, ["resume", "cancel"]],
    ["cancelling", false, []],
    ["succeeded", false, ["rollback"]],
    ["succeeded", true, []],
    ["failed", false, ["retry", "rollback"]],
    ["failed", true, ["retry"]],
    ["needs_attention", false, ["cancel", "rollback"]],
  ] satisfies [RunState, boolean, string[]][])("%s (rolled back: %s) permits %j", (state, back, allowed) =>
    expect(verbs(state, back)).toEqual(allowed),
  );

  it("end a run", () => {
    expect(["succeeded", "needs_attention", "cancelled"].map(runEnded)).toEqual([true, false, true]);
  });
});

it("finds runs by their words, state and environment", () => {
  const one = { name: "brave-otter-17", plan: "p", request: "build ./shop", requested_by: "ann", kind: "apply" };
  const two = { name: "calm-fox-20", plan: "undo x", request: null, requested_by: "bob", kind: "rollback" };
  const runs = [
    { ...one, state: "failed", environment: "dev" },
    { ...two, state: "succeeded", environment: "prod" },
  ] as RunSummary[];
  const any = { text: "", state: "", environment: "" };
  const names = (filter: Partial<typeof any>) => matching(runs, { ...any, ...filter }).map((run) => run.name);
  expect(names({})).toHaveLength(2);
  expect(names({ text: "SHOP build" })).toEqual(["brave-otter-17"]);
  expect(names({ text: "rollback bob" })).toEqual(["calm-fox-20"]);
  expect(names({ text: "shop bob" })).toEqual([]);
  expect(names({ state: "failed" })).toEqual(["brave-otter-17"]);
  expect(names({ environment: "prod" })).toEqual(["calm-fox-20"]);
});
