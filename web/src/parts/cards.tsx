import type { PlanTask, RunTask } from "../api/types";
import { asks } from "../model/request";
import { look } from "../model/states";
import { Took } from "./Ago";
import { UndoMark } from "./State";

/** A task as it is planned. */
export function PlanCard({ task, gate }: { task: PlanTask; gate: boolean }) {
  return (
    <>
      <span className="card-top">
        <b>{task.id}</b>
        {task.refuses ? (
          <span className="flag tone-bad">refused</span>
        ) : (
          (asks(task) && <span className="flag tone-ask">asks</span>) ||
          (gate && <span className="flag tone-wait">gate</span>)
        )}
      </span>
      <span className="card-low">
        <span className="uses">{task.uses}</span>
        <UndoMark of={task.undo} note={task.undo_note} />
      </span>
    </>
  );
}

export function planTone(task: PlanTask): string {
  if (task.refuses) return "bad";
  if (task.effect === "destroy" || asks(task)) return "ask";
  return task.effect === "read" ? "idle" : "plan";
}

/** A task as it runs. */
export function RunCard({ task }: { task: RunTask }) {
  const { tone, mark, words } = look(task.state);
  const over = task.ended_at !== null;
  return (
    <>
      <span className="card-top">
        <span className={`mark tone-${tone}`} aria-hidden="true">
          {mark}
        </span>
        <b>{task.id}</b>
        {task.attempts > 1 && <span className="flag tone-wait">try {task.attempts}</span>}
      </span>
      <span className="card-low">
        <span className="uses">{task.uses}</span>
        <span className={`tone-${tone} card-state`}>
          {task.state === "succeeded" || task.state === "running" ? (
            <>
              <span className="sr">{words} </span>
              <Took from={task.started_at} to={over ? task.ended_at : null} />
            </>
          ) : (
            words
          )}
        </span>
      </span>
    </>
  );
}

export function runTone(task: RunTask): string {
  return look(task.state).tone;
}
