import type { RunDetail, RunEvent, RunTask } from "../api/types";
import { useLogs } from "../api/useLogs";
import { clock, short } from "../model/format";
import { look } from "../model/states";
import { Took, useNow } from "../parts/Ago";
import { LogView } from "../parts/LogView";
import { Side } from "../parts/Side";
import { State } from "../parts/State";
import { Value } from "../parts/Value";

/** One task of a run: its state and error in words, its log, inputs, result and history. */
export function TaskPanel({
  run,
  task,
  events,
  moving,
  onClose,
}: {
  run: RunDetail;
  task: RunTask;
  events: RunEvent[];
  moving: boolean;
  onClose: () => void;
}) {
  const logs = useLogs(run.name, task.id, moving);
  const own = events.filter((event) => event.task === task.id);
  return (
    <Side label={`task ${task.id}`}>
      <header>
        <h3>{task.id}</h3>
        <State of={task.state} />
        <button type="button" className="bare" onClick={onClose} aria-label="close">
          ✕
        </button>
      </header>
      <p className="quiet">
        <span className="mono">{task.uses}</span>
        {task.started_at !== null && (
          <>
            {" · "}
            <Took from={task.started_at} to={task.ended_at ?? (task.state === "running" ? null : task.started_at)} />
          </>
        )}
        {task.attempts > 1 && <> · attempt {task.attempts}</>}
      </p>
      {task.not_before !== null && <Again at={task.not_before} />}
      {task.error && (
        <div className={`callout tone-${look(task.state).tone}`}>
          <p>{task.error.message}</p>
          {task.error.hint && <p className="quiet">{task.error.hint}</p>}
        </div>
      )}
      <h4>Log</h4>
      <LogView logs={logs} named={false} moving={moving} />
      {task.result !== null && (
        <>
          <h4>Result</h4>
          <Value value={task.result} />
        </>
      )}
      <h4>Inputs</h4>
      <Value value={task.with} />
      {task.error?.details !== undefined && task.error.details !== null && (
        <details>
          <summary>More about the error</summary>
          <Value value={task.error.details} />
        </details>
      )}
      {own.length > 0 && (
        <details>
          <summary>History</summary>
          <ol className="history">
            {own.map((event) => (
              <li key={event.id}>
                <span className="quiet num">{clock(event.at)}</span> {look(event.kind.replace("task.", "")).words}{" "}
                <span className="quiet">{reason(event)}</span>
              </li>
            ))}
          </ol>
        </details>
      )}
    </Side>
  );
}

function Again({ at }: { at: number }) {
  const left = Math.ceil(at - useNow());
  return left > 0 ? <p className="quiet">Tried again in {left} s.</p> : null;
}

function reason(event: RunEvent): string {
  const { reason: why, by, resource, worker } = event.data ?? {};
  return [why, by, resource, worker].flatMap((value) => (value ? [short(value, 120)] : [])).join(" · ");
}
