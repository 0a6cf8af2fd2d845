import useSWR from "swr";
import { Link } from "wouter";

import { get } from "../api/client";
import type { HeldLock, Json, Pool } from "../api/types";
import { count, short } from "../model/format";
import { Ago } from "../parts/Ago";
import { Problem } from "../parts/Problem";
import { useState } from "react";

const OFTEN = { refreshInterval: 2000, keepPreviousData: true };

/** For each agent its live workers and what waits for them. */
export function Pools() {
  const { data, error } = useSWR<Pool[], unknown>("/pools", get, OFTEN);
  return (
    <>
      <h1>Pools</h1>
      <p className="quiet">Each kind of work has a queue and workers of its own.</p>
      {!data && <Problem error={error} />}
      <div className="table-frame">
        <table>
          <thead>
            <tr>
              <th>Agent</th>
              <th>Live workers</th>
              <th>Messages waiting</th>
              <th />
            </tr>
          </thead>
          <tbody>
            {data?.map((pool) => (
              <tr key={pool.agent}>
                <td>
                  <Link href={`/operations?q=${pool.agent}.`}>{pool.agent}</Link>
                </td>
                <td className="num">
                  {pool.workers ? (
                    <span className="tone-good">
                      <span aria-hidden="true">● </span>
                      {pool.workers}
                    </span>
                  ) : (
                    <span className={pool.waiting ? "tone-bad" : "quiet"}>○ none</span>
                  )}
                </td>
                <td className="num">{pool.waiting ?? <span className="quiet">the broker is away</span>}</td>
                <td className="quiet">
                  {!pool.workers && (
                    <>
                      start one: <code>reign worker {pool.agent}</code>
                    </>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** Which resource is held by whom, and who waits. */
export function Locks() {
  const { data, error } = useSWR<HeldLock[], unknown>("/locks", get, OFTEN);
  return (
    <>
      <h1>Locks</h1>
      <p className="quiet">
        Two tasks never change the same thing at once: one holds its lock, the others stand in line.
      </p>
      {!data && <Problem error={error} />}
      {data?.length === 0 && <p className="quiet empty">Nothing is locked.</p>}
      {data && data.length > 0 && (
        <div className="table-frame">
          <table>
            <thead>
              <tr>
                <th>Resource</th>
                <th>Held by</th>
                <th>Since</th>
                <th>In line</th>
              </tr>
            </thead>
            <tbody>
              {data.map((lock) => (
                <tr key={lock.resource}>
                  <td className="mono">{lock.resource}</td>
                  <td>
                    <Link href={`/run/${lock.run}`}>{lock.run}</Link> <span className="quiet">{lock.task}</span>
                  </td>
                  <td className="quiet">
                    <Ago at={lock.since} />
                  </td>
                  <td className="quiet">{lock.waiting.join(", ") || "nobody"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

type Row = Record<string, Json>;

function rowsOf(answer: Json | undefined): Row[] {
  if (typeof answer !== "object" || answer === null) return [];
  const list = Array.isArray(answer) ? answer : Object.values(answer).find((value) => Array.isArray(value));
  return ((list as Json[] | undefined) ?? []).filter(
    (item): item is Row => typeof item === "object" && item !== null && !Array.isArray(item),
  );
}

const FIRST = ["resource", "address", "environment", "exists", "drift", "drifted", "run", "task", "kind", "at"];

function Cell({ name, value }: { name: string; value: Json | undefined }) {
  if (value === null || value === undefined) return null;
  if (name === "run" && typeof value === "string") return <Link href={`/run/${value}`}>{value}</Link>;
  if (typeof value === "number" && /(^|_)at$|since|seen/.test(name) && value > 1e9) return <Ago at={value} />;
  if (typeof value === "boolean") return value ? "yes" : "no";
  return <span className={name === "resource" || name === "address" ? "mono" : ""}>{short(value, 90)}</span>;
}

/** What is recorded of the things outside. The columns are those that the API sends. */
export function Resources() {
  const [text, setText] = useState("");
  const { data, error } = useSWR<Json, unknown>("/resources", get, { refreshInterval: 5000, keepPreviousData: true });
  const wanted = text.toLowerCase();
  const rows = rowsOf(data).filter((row) => JSON.stringify(row).toLowerCase().includes(wanted));
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter(
    (name) => !rows.every((row) => row[name] === null || typeof row[name] === "object"),
  );
  const columns = [...FIRST.filter((name) => names.includes(name)), ...names.filter((name) => !FIRST.includes(name))];
  return (
    <>
      <h1>Resources</h1>
      <div className="filters" role="search">
        <input
          type="search"
          aria-label="find a resource"
          placeholder="name, kind, environment, run"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        {data !== undefined && <span className="quiet num">{count(rows.length, "resource")}</span>}
      </div>
      {data === undefined && <Problem error={error} />}
      {data !== undefined && !rows.length && (
        <p className="quiet empty">{wanted ? "None has that." : "No run has touched anything yet."}</p>
      )}
      {rows.length > 0 && (
        <div className="table-frame">
          <table>
            <thead>
              <tr>
                {columns.map((name) => (
                  <th key={name}>{name.replaceAll("_", " ")}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, 500).map((row, at) => (
                <tr key={at}>
                  {columns.map((name) => (
                    <td key={name}>
                      <Cell name={name} value={row[name]} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length > 500 && <p className="quiet">and {rows.length - 500} more; narrow the search.</p>}
    </>
  );
}
