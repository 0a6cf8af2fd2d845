import { useState } from "react";

import { post, taskPath } from "../api/client";
import { useAct } from "../api/useAct";
import { who } from "../api/who";
import type { RunDetail, RunTask } from "../api/types";
import { count } from "../model/format";
import { Problem } from "../parts/Problem";
import { Value } from "../parts/Value";

const SHOWN = 5;

/** What a run waits for: questions with their buttons first, then sentences. */
export function Attention({ run, onDone }: { run: RunDetail; onDone: () => void }) {
  const asking = run.tasks.filter((task) => task.state === "awaiting_approval");
  const unsettled = run.tasks.filter((task) => task.state === "needs_attention");
  // Those two have their buttons here; the API's sentences name the commands for them.
  const sentences = run.waits_for.filter((text) => !/`reign (approve|resolve) /.test(text));
  return (
    <div className="attention">
      {asking.slice(0, SHOWN).map((task) => (
        <Approval key={task.id} run={run.name} task={task} onDone={onDone} />
      ))}
      {asking.length > SHOWN && <p className="quiet">{count(asking.length - SHOWN, "more task")} wait for a yes.</p>}
      {unsettled.slice(0, SHOWN).map((task) => (
        <Settle key={task.id} run={run.name} task={task} onDone={onDone} />
      ))}
      {sentences.slice(0, 10).map((sentence) => (
        <p key={sentence} className="callout tone-wait">
          {sentence}
        </p>
      ))}
    </div>
  );
}

function Approval({ run, task, onDone }: { run: string; task: RunTask; onDone: () => void }) {
  const [note, setNote] = useState("");
  const { busy, error, act } = useAct(onDone);
  const say = (yes: boolean) =>
    act(async () =>
      post(taskPath(run, task.id, "approve"), { by: await who(), yes, ...(note.trim() ? { note: note.trim() } : {}) }),
    );
  return (
    <section className="callout tone-ask">
      <h2>
        <b>{task.id}</b> waits for a yes <span className="mono quiet">{task.uses}</span>
      </h2>
      {task.error && <p>{task.error.message}</p>}
      <details>
        <summary>with these inputs</summary>
        <Value value={task.with} />
      </details>
      <div className="actions-row">
        <button type="button" className="primary" disabled={busy} onClick={() => void say(true)}>
          Yes, do it
        </button>
        <button type="button" disabled={busy} onClick={() => void say(false)}>
          No
        </button>
        <input
          aria-label="a note for the record"
          placeholder="a note for the record"
          value={note}
          maxLength={500}
          onChange={(event) => setNote(event.target.value)}
        />
      </div>
      <Problem error={error} />
    </section>
  );
}

const VERDICTS = [
  ["done", "It is done", "the change happened: go on from there"],
  ["retry", "Do it again", "it did not happen, or doing it twice does no harm"],
  ["fail", "It failed", "give the task up"],
] as const;

function Settle({ run, task, onDone }: { run: string; task: RunTask; onDone: () => void }) {
  const { busy, error, act } = useAct(onDone);
  return (
    <section className="callout tone-bad">
      <h2>
        Did <b>{task.id}</b> happen? <span className="mono quiet">{task.uses}</span>
      </h2>
      <p>{task.error?.message ?? "Nobody can tell whether its change happened."} Look at the thing itself, then say:</p>
      {task.error?.hint && <p className="quiet">{task.error.hint}</p>}
      <div className="actions-row">
        {VERDICTS.map(([verdict, words, about]) => (
          <button
            key={verdict}
            type="button"
            title={about}
            disabled={busy}
            onClick={() => void act(async () => post(taskPath(run, task.id, "resolve"), { verdict, by: await who() }))}
          >
            {words}
          </button>
        ))}
      </div>
      <Problem error={error} />
    </section>
  );
}
