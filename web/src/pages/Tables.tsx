import useSWR from "swr";
import { Link } from "wouter";

import { get } from "../api/client";
import type { HeldLock, Pool } from "../api/types";
import { Ago } from "../parts/Ago";
import { Problem } from "../parts/Problem";

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
