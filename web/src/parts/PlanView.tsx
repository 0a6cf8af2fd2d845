import { useMemo, useState } from "react";

import type { Advice, PlanPreview, PlanTask } from "../api/types";
import { count, duration, short } from "../model/format";
import { asks, gatedTasks } from "../model/request";
import { PlanCard, planTone } from "./cards";
import { Dag } from "./Dag";
import { Diff } from "./Diff";
import { Side } from "./Side";
import { EFFECT, UNDO, UndoMark } from "./State";
import { Value } from "./Value";

const KINDS = ["exact", "compensating", "none"] as const;

/** What share of a plan's changes can be taken back. */
export function Coverage({ plan }: { plan: PlanPreview }) {
  const changing = KINDS.reduce((sum, kind) => sum + plan.undo[kind].length, 0);
  return (
    <div className="coverage">
      {changing > 0 && (
        <span className="coverage-bar" aria-hidden="true">
          {KINDS.map((kind) =>
            plan.undo[kind].length ? (
              <span key={kind} className={`undo-${kind}`} style={{ flexGrow: plan.undo[kind].length }} />
            ) : null,
          )}
        </span>
      )}
      <span>{plan.undo.summary}</span>
    </div>
  );
}

/** A plan: its picture, and the task that was chosen in it. */
export function PlanView({ plan }: { plan: PlanPreview }) {
  const [selected, setSelected] = useState<string | null>(null);
  const gates = new Set(plan.gates?.map((gate) => gate.id));
  const tasks = useMemo(() => gatedTasks(plan), [plan]);
  const task = tasks.find((each) => each.id === selected);
  return (
    <div className={task ? "split" : ""}>
      <Dag
        tasks={tasks}
        selected={selected}
        onSelect={(id) => setSelected(id === selected ? null : id)}
        card={(each) => <PlanCard task={each} gate={gates.has(each.id)} />}
        tone={planTone}
        label={`plan ${plan.name}, ${count(plan.tasks.length, "task")}; arrow keys walk from task to task`}
      />
      {task && <PlannedTask task={task} advice={plan.memory?.[task.id]} onClose={() => setSelected(null)} />}
    </div>
  );
}

function PlannedTask({ task, advice, onClose }: { task: PlanTask; advice: Advice | undefined; onClose: () => void }) {
  const extras: [string, string | null][] = [
    ["if", task.if === undefined ? null : String(task.if)],
    ["for each", task.for_each === undefined ? null : short(task.for_each, 200)],
    ["retry", task.retry === undefined ? null : short(task.retry, 200)],
    ["timeout", task.timeout === undefined ? null : duration(task.timeout)],
    ["on failure", task.on_failure ?? null],
    ["locks", task.locks?.join(", ") ?? null],
  ];
  return (
    <Side label={`task ${task.id}`}>
      <header>
        <h3>{task.id}</h3>
        <button type="button" className="bare" onClick={onClose} aria-label="close">
          ✕
        </button>
      </header>
      <p className="mono">{task.uses}</p>
      {task.refuses && <p className="callout tone-bad">Refused: {task.refuses}</p>}
      {asks(task) && (
        <p className="callout tone-ask">
          Asks first: {task.asks ?? task.policy?.reason ?? "its author wants a person to approve it"}
        </p>
      )}
      {task.proposed_by === "model" && <p className="callout tone-wait">Only the model proposed this task.</p>}
      <dl className="facts">
        <div>
          <dt>effect</dt>
          <dd>{EFFECT[task.effect]}</dd>
        </div>
        <div>
          <dt>undo</dt>
          <dd>
            <UndoMark of={task.undo} /> <span className="quiet">{task.undo_note || UNDO[task.undo].about}</span>
          </dd>
        </div>
        {task.needs.length > 0 && (
          <div>
            <dt>after</dt>
            <dd className="mono">{task.needs.join(", ")}</dd>
          </div>
        )}
        {extras.map(
          ([name, text]) =>
            text && (
              <div key={name}>
                <dt>{name}</dt>
                <dd className="mono">{text}</dd>
              </div>
            ),
        )}
      </dl>
      {task.policy && task.policy.decision !== "allow" && !asks(task) && (
        <p className="quiet">
          Policy: {task.policy.decision}, {task.policy.reason}
        </p>
      )}
      {[advice?.estimate, ...(advice?.notes ?? [])].map(
        (line) =>
          line && (
            <p key={line} className="quiet">
              {line}
            </p>
          ),
      )}
      {task.preview?.diff !== undefined && task.preview.diff !== null && (
        <>
          <h4>What would change</h4>
          {task.preview.diff ? <Diff text={task.preview.diff} /> : <p className="quiet">Nothing.</p>}
        </>
      )}
      {task.preview?.not_previewed && <p className="quiet">Not previewed: {task.preview.not_previewed}</p>}
      {task.pins && (
        <>
          <h4>Tied to</h4>
          <Value value={task.pins} />
        </>
      )}
      <h4>Inputs</h4>
      <Value value={task.with} />
    </Side>
  );
}
