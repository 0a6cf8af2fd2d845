import { useState } from "react";
import useSWR from "swr";

import { get, post, runPath } from "../api/client";
import type { RollbackPreview, RunSummary } from "../api/types";
import { who } from "../api/who";
import { count } from "../model/format";
import { Dialog } from "../parts/Dialog";
import { Problem } from "../parts/Problem";

const SHOWN = 100;

/** The plan that takes a run back, before anybody says yes to it. */
export function Rollback({
  run,
  onClose,
  onStarted,
}: {
  run: string;
  onClose: () => void;
  onStarted: (name: string) => void;
}) {
  const { data, error: unread } = useSWR<RollbackPreview, unknown>(runPath(run, "/rollback"), get, {
    revalidateOnFocus: false,
  });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const start = async () => {
    setBusy(true);
    try {
      const made = await post<RunSummary>(runPath(run, "/rollback"), { requested_by: await who() });
      onStarted(made.name);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  const impossible = Object.entries(data?.impossible ?? {});
  return (
    <Dialog title={`Take ${run} back?`} onClose={onClose}>
      {!data && !unread && <p className="quiet">Looking at what it changed…</p>}
      {data?.plan === null && <p>There is nothing that could be taken back.</p>}
      {data?.plan && (
        <>
          <p className="quiet">{count(data.plan.tasks.length, "task")}, in this order:</p>
          <ol className="undo-list">
            {data.plan.levels
              .flat()
              .slice(0, SHOWN)
              .map((id) => {
                const task = data.plan?.tasks.find((each) => each.id === id);
                return (
                  task && (
                    <li key={id}>
                      <b>{task.undo_of?.task ?? id}</b> <span className="mono quiet">{task.uses}</span>
                      {task.undo_note && <span className="quiet"> — {task.undo_note}</span>}
                    </li>
                  )
                );
              })}
          </ol>
          {data.plan.tasks.length > SHOWN && <p className="quiet">and {data.plan.tasks.length - SHOWN} more</p>}
        </>
      )}
      {impossible.length > 0 && (
        <div className="callout tone-ask">
          <p>
            <strong>Stays as it is:</strong>
          </p>
          <ul>
            {impossible.slice(0, SHOWN).map(([task, why]) => (
              <li key={task}>
                <b>{task}</b>: {why}
              </li>
            ))}
          </ul>
        </div>
      )}
      <Problem error={error ?? unread} />
      <div className="dialog-row">
        <button type="button" onClick={onClose}>
          Leave it
        </button>
        <button type="button" className="primary" disabled={busy || !data?.plan} onClick={() => void start()}>
          {busy ? "Starting…" : "Take it back"}
        </button>
      </div>
    </Dialog>
  );
}
