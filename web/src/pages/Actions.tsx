import { useState } from "react";
import { useLocation } from "wouter";

import { post, runPath } from "../api/client";
import type { RunDetail, RunSummary } from "../api/types";
import type { Verb } from "../model/states";
import { Dialog } from "../parts/Dialog";
import { Problem } from "../parts/Problem";
import { Rollback } from "./Rollback";

const WORDS: Record<Verb, string> = {
  pause: "Pause",
  resume: "Go on",
  cancel: "Cancel",
  retry: "Try again",
  rollback: "Take it back…",
};

/** What may be done to a run as it stands. */
export function Actions({ run, allowed, onDone }: { run: RunDetail; allowed: Verb[]; onDone: () => void }) {
  const [, go] = useLocation();
  const [busy, setBusy] = useState<Verb | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [asking, setAsking] = useState<"cancel" | "rollback" | null>(null);

  const act = async (verb: Verb) => {
    setBusy(verb);
    setError(null);
    try {
      await post<RunSummary>(runPath(run.name, `/${verb}`));
      onDone();
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(null);
      setAsking(null);
    }
  };
  return (
    <div className="actions">
      <div className="actions-row">
        {allowed.map((verb) => (
          <button
            key={verb}
            type="button"
            className={verb === "cancel" ? "danger" : ""}
            disabled={busy !== null}
            onClick={() => (verb === "cancel" || verb === "rollback" ? setAsking(verb) : void act(verb))}
          >
            {WORDS[verb]}
          </button>
        ))}
      </div>
      <Problem error={error} />
      {asking === "cancel" && (
        <Dialog title={`Cancel ${run.name}?`} onClose={() => setAsking(null)}>
          <p>
            Nothing new starts, and the tools that run are ended. What was done stays; it can be taken back afterwards.
          </p>
          <div className="dialog-row">
            <button type="button" onClick={() => setAsking(null)}>
              Let it run
            </button>
            <button type="button" className="danger" disabled={busy !== null} onClick={() => void act("cancel")}>
              Cancel the run
            </button>
          </div>
        </Dialog>
      )}
      {asking === "rollback" && (
        <Rollback run={run.name} onClose={() => setAsking(null)} onStarted={(name) => go(`/run/${name}`)} />
      )}
    </div>
  );
}
