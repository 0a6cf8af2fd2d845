import { describe, expect, it } from "vitest";

import type { RunDetail, RunEvent, RunTask, TaskState } from "../src/api/types";
import { reduce, tally } from "../src/model/reduce";

function task(id: string, state: TaskState = "pending", more: Partial<RunTask> = {}): RunTask {
  return {
    id,
    uses: "probe.noop",
    state,
    with: { value: 1 },
    needs: [],
    attempts: 0,
    worker: null,
    approval: null,
    result: null,
    error: null,
    not_before: null,
    started_at: null,
    ended_at: null,
    ...more,
  };
}

function run(...tasks: RunTask[]): RunDetail {
  return {
    name: "brave-otter-17",
    kind: "apply",
    state: "queued",
    plan: "p",
    digest: "d",
    environment: "dev",
    request: null,
    source: "file",
    requested_by: "me",
    cause: null,
    rolled_back_by: null,
    task_count: tasks.length,
    tasks_by_state: tally(tasks),
    created_at: 1,
    started_at: null,
    ended_at: null,
    workdir: "/",
    tasks,
    waits_for: [],
    changes: [],
  };
}

let next = 0;
function event(kind: string, of: string | null, at: number, data: RunEvent["data"] = null): RunEvent {
  next += 1;
  return { id: next, kind, task: of, at, data };
}

describe("a run after its events", () => {
  it("starts, works and ends", () => {
    const before = run(task("a"), task("b"));
    const after = reduce(before, [
      event("run.running", null, 10),
      event("task.running", "a", 11, { attempt: 1, worker: "w1" }),
      event("task.succeeded", "a", 12, { attempt: 1 }),
      event("task.running", "b", 13, { attempt: 1, worker: "w2" }),
    ]);
    expect(after).toMatchObject({ state: "running", started_at: 10, tasks_by_state: { succeeded: 1, running: 1 } });
    expect(after.tasks[0]).toMatchObject({ state: "succeeded", started_at: 11, ended_at: 12, worker: "w1" });
    expect(after.tasks[1]).toMatchObject({ state: "running", started_at: 13, ended_at: null, attempts: 1 });
    expect(reduce(after, [event("run.succeeded", null, 14)])).toMatchObject({ state: "succeeded", ended_at: 14 });
    expect(before.tasks[0]?.state).toBe("pending");
  });

  it("keeps the objects of tasks that did not move, so that they are not drawn again", () => {
    const before = run(task("a"), task("b"));
    const after = reduce(before, [event("task.ready", "a", 2)]);
    expect(after.tasks[1]).toBe(before.tasks[1]);
    expect(reduce(before, [])).toBe(before);
  });

  it("shows the error of a failure, and forgets it when the task is tried again", () => {
    const error = { message: "no such image", hint: "build it first" };
    const failed = reduce(run(task("a", "running")), [event("task.failed", "a", 5, { error, attempt: 1 })]);
    expect(failed.tasks[0]).toMatchObject({ state: "failed", error, ended_at: 5 });
    const again = reduce(failed, [event("run.running", null, 6), event("task.ready", "a", 6, { retry: true })]);
    expect(again.tasks[0]).toMatchObject({ state: "ready", error: null, ended_at: null });
    expect(reduce(again, [event("task.running", "a", 7, { attempt: 2 })]).tasks[0]).toMatchObject({ attempts: 2 });
  });

  it("goes on after an end: a run that is tried again has not ended", () => {
    const ended = { ...run(task("a")), state: "failed" as const, started_at: 1, ended_at: 9 };
    expect(reduce(ended, [event("run.running", null, 10)])).toMatchObject({
      state: "running",
      started_at: 1,
      ended_at: null,
    });
  });

  it("learns of the items of a for_each when they come", () => {
    const after = reduce(run(task("deploy", "running", { uses: "docker.run" })), [
      event("task.expanded", "deploy", 3),
      event("task.ready", "deploy[0]", 3),
      event("task.running", "deploy[0]", 4, { attempt: 1 }),
    ]);
    expect(after.tasks.map((each) => [each.id, each.uses, each.state])).toEqual([
      ["deploy", "docker.run", "expanded"],
      ["deploy[0]", "docker.run", "running"],
    ]);
    expect(after.task_count).toBe(2);
  });

  it("does not take progress for a state", () => {
    expect(reduce(run(task("a", "running")), [event("task.progress", "a", 3)]).tasks[0]?.state).toBe("running");
  });
});
