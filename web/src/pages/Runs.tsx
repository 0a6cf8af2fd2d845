import { useState } from "react";
import useSWR from "swr";
import { Link, useSearchParams } from "wouter";

import { get } from "../api/client";
import type { RunSummary } from "../api/types";
import { count } from "../model/format";
import { matching } from "../model/search";
import { LOOKS, runEnded } from "../model/states";
import { Ago, Took } from "../parts/Ago";
import { Problem } from "../parts/Problem";
import { Progress, State } from "../parts/State";

const MOST = 500; // what the API gives at once
const STEP = 60;
const STATES = [
  "running",
  "needs_attention",
  "failed",
  "succeeded",
  "queued",
  "paused",
  "cancelling",
  "cancelled",
] as const;

/** All runs, newest first, with a search that stays in the address. */
export function Runs() {
  const [query, setQuery] = useSearchParams();
  const [shown, setShown] = useState(STEP);
  const filter = {
    text: query.get("q") ?? "",
    state: query.get("state") ?? "",
    environment: query.get("environment") ?? "",
  };
  const path = `/runs?limit=${MOST}${filter.environment ? `&environment=${encodeURIComponent(filter.environment)}` : ""}`;
  const { data, error } = useSWR<RunSummary[], unknown>(path, get, { refreshInterval: 3000, keepPreviousData: true });
  const everywhere = useSWR<RunSummary[]>(`/runs?limit=${MOST}`, get).data ?? [];
  const environments = [...new Set([...everywhere.map((run) => run.environment), filter.environment])].filter(Boolean);
  const set = (name: string, value: string) =>
    setQuery(
      (before) => {
        const next = new URLSearchParams(before);
        if (value) next.set(name, value);
        else next.delete(name);
        return next;
      },
      { replace: true },
    );
  const found = data ? matching(data, filter) : [];
  const filtered = Boolean(filter.text || filter.state || filter.environment);
  return (
    <>
      <h1>Runs</h1>
      <div className="filters" role="search">
        <input
          type="search"
          aria-label="find a run"
          placeholder="name, words of the request, who"
          value={filter.text}
          onChange={(event) => set("q", event.target.value)}
        />
        <select aria-label="state" value={filter.state} onChange={(event) => set("state", event.target.value)}>
          <option value="">any state</option>
          {STATES.map((state) => (
            <option key={state} value={state}>
              {LOOKS[state].words}
            </option>
          ))}
        </select>
        <select
          aria-label="environment"
          value={filter.environment}
          onChange={(event) => set("environment", event.target.value)}
        >
          <option value="">any environment</option>
          {environments.sort().map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        {data && <span className="quiet num">{count(found.length, "run")}</span>}
      </div>
      {!data && <Problem error={error} />}
      {data && !found.length && (
        <p className="quiet empty">
          {filtered ? "No run has that." : "Nothing has run yet."} <Link href="/">Ask for something</Link>.
        </p>
      )}
      <ul className="runs">
        {found.slice(0, shown).map((run) => (
          <li key={run.name}>
            <Link href={`/run/${run.name}`} className="runs-name">
              {run.name}
            </Link>
            <State of={run.state} />
            <span className="runs-what">{run.request ?? run.plan}</span>
            <span className="quiet runs-where">
              {run.environment}
              {run.kind !== "apply" && <> · {run.kind}</>} · {run.requested_by}
            </span>
            <Progress counts={run.tasks_by_state} total={run.task_count} />
            <span className="num quiet">
              <Took from={run.started_at} to={runEnded(run.state) ? run.ended_at : null} />
            </span>
            <span className="num quiet">
              <Ago at={run.created_at} />
            </span>
          </li>
        ))}
      </ul>
      {found.length > shown && (
        <p>
          <button type="button" onClick={() => setShown(shown + STEP * 3)}>
            Show more
          </button>
        </p>
      )}
      {data && data.length >= MOST && (
        <p className="quiet">The newest {MOST} runs are looked through; choose an environment to look further back.</p>
      )}
    </>
  );
}
