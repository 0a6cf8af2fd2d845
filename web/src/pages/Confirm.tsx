import { useState } from "react";

import type { PlanPreview } from "../api/types";
import { count } from "../model/format";
import { asks } from "../model/request";
import { Dialog } from "../parts/Dialog";
import { Coverage } from "../parts/PlanView";
import { Problem } from "../parts/Problem";

/** The last look before a plan runs: what it changes, and a yes for each task that needs one. */
export function Confirm({
  plan,
  onRun,
  onClose,
}: {
  plan: PlanPreview;
  onRun: (approve: string[]) => Promise<void>;
  onClose: () => void;
}) {
  const asking = [...plan.tasks, ...(plan.gates ?? [])].filter(asks);
  const [yes, setYes] = useState<ReadonlySet<string>>(new Set());
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const toggle = (id: string) => {
    const next = new Set(yes);
    if (!next.delete(id)) next.add(id);
    setYes(next);
  };
  const run = async () => {
    setBusy(true);
    setError(null);
    try {
      await onRun([...yes]);
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Run ${count(plan.tasks.length + (plan.gates?.length ?? 0), "task")} in ${plan.environment}?`}
      onClose={onClose}
    >
      <Coverage plan={plan} />
      {asking.length > 0 && (
        <fieldset className="approvals">
          <legend>
            {asking.length === 1 ? "One task asks" : `${asking.length} tasks ask`} for a yes. What has none now waits
            for it later.
          </legend>
          {asking.map((task) => (
            <label key={task.id}>
              <input type="checkbox" checked={yes.has(task.id)} onChange={() => toggle(task.id)} />
              <span>
                <b>{task.id}</b> <span className="mono quiet">{task.uses}</span>
                <br />
                {task.asks ?? task.policy?.reason ?? "its author wants a person to approve it"}
              </span>
            </label>
          ))}
        </fieldset>
      )}
      <Problem error={error} />
      <div className="dialog-row">
        <button type="button" onClick={onClose}>
          Not yet
        </button>
        {/* The question stands in a dialog that the person has just opened to say yes. */}
        {/* eslint-disable-next-line jsx-a11y/no-autofocus */}
        <button type="button" className="primary" disabled={busy} autoFocus onClick={() => void run()}>
          {busy ? "Starting…" : "Run"}
        </button>
      </div>
    </Dialog>
  );
}
