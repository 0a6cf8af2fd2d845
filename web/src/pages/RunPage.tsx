import { useEffect, useState } from "react";
import useSWR from "swr";
import { Link } from "wouter";

import { get, runPath } from "../api/client";
import type { Finding, RunDetail, RunTask } from "../api/types";
import { useLogs } from "../api/useLogs";
import { useRun } from "../api/useRun";
import { count, words } from "../model/format";
import { look, runEnded, verbs, type Verb } from "../model/states";
import { Ago, Took } from "../parts/Ago";
import { RunCard, runTone } from "../parts/cards";
import { Dag } from "../parts/Dag";
import { Findings } from "../parts/Findings";
import { LogView } from "../parts/LogView";
import { Problem } from "../parts/Problem";
import { Mark, Progress, State } from "../parts/State";
import { RepairBox } from "./RepairBox";
import { Actions } from "./Actions";
import { Attention } from "./Attention";
import { TaskPanel } from "./TaskPanel";

const TABS = { log: "Log", tasks: "Tasks", changes: "Changes", findings: "Findings" } as const;
type Tab = keyof typeof TABS;

/** A run: how it stands, what it waits for, its picture, and what it printed. */
export function RunPage({ name }: { name: string }) {
  const { run, events, link, error, refresh } = useRun(name);
  const [selected, setSelected] = useState<string | null>(null);
  const [tab, setTab] = useState<Tab>("log");
  const state = run?.state;
  const found = useSWR<{ findings: Finding[] }>(state && runEnded(state) ? runPath(name, "/findings") : null, get, {
    revalidateOnFocus: false,
  });
  const findings = found.data?.findings ?? [];
  const tabs = (Object.keys(TABS) as Tab[]).filter((each) => each !== "findings" || findings.length);
  useEffect(() => {
    document.title = state ? `${look(state).mark} ${name} · REIGN` : `${name} · REIGN`;
    return () => {
      document.title = "REIGN";
    };
  }, [name, state]);

  if (!run) return error ? <Problem error={error} /> : <p className="quiet empty">Reading {name}…</p>;
  const task = run.tasks.find((each) => each.id === selected) ?? null;
  const moving = !runEnded(run.state);
  const failed = run.tasks.filter((each) => each.state === "failed");
  return (
    <article className="run">
      <header className="run-head">
        <div>
          <p className="quiet kicker">
            <span className="kind">{run.kind === "apply" ? "run" : words(run.kind)}</span> in <b>{run.environment}</b> ·{" "}
            {run.requested_by} · <Ago at={run.created_at} />
          </p>
          <h1>
            {run.name} <State of={run.state} />
          </h1>
          <p className="request">{run.request ?? run.plan}</p>
        </div>
        <Actions
          run={run}
          allowed={
            verbs(
              run.state,
              run.rolled_back_by !== null || (run.state === "succeeded" && !run.changes.length),
            ) satisfies Verb[]
          }
          onDone={refresh}
        />
      </header>
      <Sum run={run} moving={moving} link={link} />
      {run.cause && !failed.length && <p className="callout tone-bad">{run.cause}</p>}
      {failed.slice(0, 3).map((each) => (
        <Failure key={each.id} task={each} onSelect={() => setSelected(each.id)} />
      ))}
      {failed.length > 3 && <p className="quiet">and {count(failed.length - 3, "more task")} failed.</p>}
      {run.rolled_back_by && (
        <p className="callout tone-off">
          Taken back by <Link href={`/run/${run.rolled_back_by}`}>{run.rolled_back_by}</Link>.
        </p>
      )}
      {run.state === "failed" && <RepairBox run={run.name} onDone={refresh} />}
      <Attention run={run} onDone={refresh} />
      <div className={task ? "split" : ""}>
        <div className="split-main">
          <Dag
            tasks={run.tasks}
            selected={selected}
            onSelect={(id) => setSelected(id === selected ? null : id)}
            card={(each) => <RunCard task={each} />}
            tone={runTone}
            label={`tasks of ${run.name}; arrow keys walk from task to task`}
          />
          <div className="tabs" role="tablist" aria-label="more of this run">
            {tabs.map((each) => (
              <button key={each} type="button" role="tab" aria-selected={tab === each} onClick={() => setTab(each)}>
                {TABS[each]}
                {each === "findings" && <span className="quiet num"> {findings.length}</span>}
                {each === "changes" && <span className="quiet num"> {run.changes.length}</span>}
                {each === "tasks" && <span className="quiet num"> {run.tasks.length}</span>}
              </button>
            ))}
          </div>
          <section role="tabpanel" aria-label={tab}>
            {tab === "log" && <RunLog run={run} moving={moving} />}
            {tab === "tasks" && <TaskTable tasks={run.tasks} selected={selected} onSelect={setSelected} />}
            {tab === "changes" && <Changes run={run} />}
            {tab === "findings" && <Findings findings={findings} />}
          </section>
        </div>
        {task && <TaskPanel run={run} task={task} events={events} moving={moving} onClose={() => setSelected(null)} />}
      </div>
    </article>
  );
}

function Sum({ run, moving, link }: { run: RunDetail; moving: boolean; link: string }) {
  const done = run.tasks_by_state.succeeded ?? 0;
  return (
    <div className="sum">
      <Progress counts={run.tasks_by_state} total={run.task_count} />
      <span className="num">
        {done} of {run.task_count}
      </span>
      <Took from={run.started_at} to={moving ? null : run.ended_at} />
      {moving && run.state !== "needs_attention" && (
        <span className={`quiet live live-${link}`}>{link === "live" ? "live" : "connecting…"}</span>
      )}
    </div>
  );
}

function Failure({ task, onSelect }: { task: RunTask; onSelect: () => void }) {
  return (
    <div className="callout tone-bad">
      <p>
        <button type="button" className="bare strong" onClick={onSelect}>
          {task.id}
        </button>{" "}
        failed: {task.error?.message ?? "no reason was given"}
      </p>
      {task.error?.hint && <p className="quiet">{task.error.hint}</p>}
    </div>
  );
}

function RunLog({ run, moving }: { run: RunDetail; moving: boolean }) {
  const logs = useLogs(run.name, null, moving);
  return <LogView logs={logs} named moving={moving} />;
}

const SHOWN = 500;

function TaskTable({
  tasks,
  selected,
  onSelect,
}: {
  tasks: RunTask[];
  selected: string | null;
  onSelect: (id: string) => void;
}) {
  const [text, setText] = useState("");
  const wanted = text.toLowerCase();
  const found = tasks.filter((task) =>
    `${task.id} ${task.uses} ${look(task.state).words}`.toLowerCase().includes(wanted),
  );
  return (
    <>
      {tasks.length > 20 && (
        <input
          type="search"
          className="search"
          aria-label="find a task"
          placeholder="find a task by name, operation or state"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      <div className="table-frame">
        <table>
          <thead>
            <tr>
              <th>State</th>
              <th>Task</th>
              <th>Operation</th>
              <th>Took</th>
              <th className="wide">Worker</th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, SHOWN).map((task) => (
              <tr key={task.id} aria-selected={task.id === selected}>
                <td>
                  <Mark of={task.state} /> {look(task.state).words}
                </td>
                <td>
                  <button type="button" className="bare strong" onClick={() => onSelect(task.id)}>
                    {task.id}
                  </button>
                </td>
                <td className="mono">{task.uses}</td>
                <td>
                  <Took
                    from={task.started_at}
                    to={task.ended_at ?? (task.state === "running" ? null : task.started_at)}
                  />
                </td>
                <td className="mono quiet wide">{task.worker}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {found.length > SHOWN && <p className="quiet">{found.length - SHOWN} more; narrow the search.</p>}
      {!found.length && <p className="quiet empty">No task has that.</p>}
    </>
  );
}

function Changes({ run }: { run: RunDetail }) {
  if (!run.changes.length)
    return <p className="quiet empty">Nothing was changed{runEnded(run.state) ? "." : " so far."}</p>;
  return (
    <div className="table-frame">
      <table>
        <thead>
          <tr>
            <th>Resource</th>
            <th>Change</th>
            <th>Task</th>
            <th>When</th>
          </tr>
        </thead>
        <tbody>
          {run.changes.slice(0, SHOWN).map((change, at) => (
            <tr key={at}>
              <td className="mono">{change.resource}</td>
              <td>{change.kind}</td>
              <td>{change.task}</td>
              <td className="quiet">
                <Ago at={change.at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
