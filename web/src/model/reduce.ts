import type { RunDetail, RunEvent, RunState, RunTask, TaskError, TaskState } from "../api/types";

const ENDS: ReadonlySet<string> = new Set(["succeeded", "failed", "skipped", "cancelled"]);

function newTask(id: string, template: RunTask | undefined): RunTask {
  return {
    id,
    uses: template?.uses ?? "",
    state: "pending",
    with: {},
    needs: template?.needs ?? [],
    attempts: 0,
    worker: null,
    approval: null,
    result: null,
    error: null,
    not_before: null,
    started_at: null,
    ended_at: null,
  };
}

function moved(task: RunTask, event: RunEvent): RunTask {
  const state = event.kind.slice("task.".length) as TaskState;
  const data = event.data ?? {};
  const next: RunTask = { ...task, state };
  if (typeof data.attempt === "number") next.attempts = data.attempt;
  if (typeof data.worker === "string") next.worker = data.worker;
  if (data.error) next.error = data.error as unknown as TaskError;
  if (state === "running") {
    next.started_at = event.at;
    next.ended_at = null;
    next.error = null;
    next.not_before = null;
  } else if (ENDS.has(state)) {
    next.ended_at = event.at;
  } else if (data.retry === true) {
    next.error = null;
    next.ended_at = null;
  }
  return next;
}

/**
 * The run after these events. A batch costs one pass over the tasks, so that thousands of events a second are shown
 * without a stutter; what events do not carry (results, what a run waits for) comes with the next look at the run.
 */
export function reduce(run: RunDetail, events: RunEvent[]): RunDetail {
  if (!events.length) return run;
  let { state, started_at, ended_at } = run;
  const touched = new Map<string, RunTask>();
  const known = new Map(run.tasks.map((task) => [task.id, task]));
  for (const event of events) {
    if (event.task !== null) {
      if (event.kind === "task.progress") continue;
      const before = touched.get(event.task) ?? known.get(event.task);
      const task = before ?? newTask(event.task, known.get(event.task.replace(/\[.*$/, "")));
      touched.set(event.task, moved(task, event));
    } else if (event.kind.startsWith("run.")) {
      state = event.kind.slice("run.".length) as RunState;
      if (state === "running") {
        started_at ??= event.at;
        ended_at = null;
      } else if (ENDS.has(state)) ended_at = event.at;
    }
  }
  const tasks = run.tasks.map((task) => touched.get(task.id) ?? task);
  for (const [id, task] of touched) if (!known.has(id)) tasks.push(task);
  return { ...run, state, started_at, ended_at, tasks, tasks_by_state: tally(tasks), task_count: tasks.length };
}

export function tally(tasks: readonly RunTask[]): Partial<Record<TaskState, number>> {
  const counts: Partial<Record<TaskState, number>> = {};
  for (const task of tasks) counts[task.state] = (counts[task.state] ?? 0) + 1;
  return counts;
}
