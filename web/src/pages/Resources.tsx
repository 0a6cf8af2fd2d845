import { useState } from "react";
import useSWR from "swr";
import { Link, useLocation, useSearchParams } from "wouter";

import { get, post } from "../api/client";
import type { Resource, RunSummary, Versions } from "../api/types";
import { useAct } from "../api/useAct";
import { who } from "../api/who";
import { count, short, words } from "../model/format";
import { Ago } from "../parts/Ago";
import { Problem } from "../parts/Problem";
import { Side } from "../parts/Side";
import { Value } from "../parts/Value";

const SHOWN = 500;

function Standing({ of }: { of: Resource }) {
  if (of.standing === null) return <span className="quiet">not looked at</span>;
  return (
    <span className={of.drifted ? "flag tone-ask" : "quiet"}>
      {of.drifted ? words(of.standing) : "as recorded"} {of.looked_at !== null && <Ago at={of.looked_at} />}
    </span>
  );
}

/** What runs have made and changed, and how it stood when somebody last looked. */
export function Resources() {
  const [query, setQuery] = useSearchParams();
  const [, go] = useLocation();
  const { busy, error: unsent, act } = useAct(() => undefined);
  const [chosen, setChosen] = useState<Resource | null>(null);
  const text = query.get("q") ?? "";
  const { data, error } = useSWR<Resource[], unknown>("/resources", get, {
    refreshInterval: 5000,
    keepPreviousData: true,
  });
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (data ?? []).filter((each) => {
    const all = `${each.address} ${each.environment} ${each.run} ${each.uses} ${each.standing ?? ""}`.toLowerCase();
    return wanted.every((word) => all.includes(word));
  });
  const environments = [...new Set((data ?? []).map((each) => each.environment))].sort().slice(0, 4);
  const lookAt = (environment: string) =>
    act(async () => {
      const run = await post<RunSummary>("/drift", { environment, requested_by: await who() });
      go(`/run/${run.name}`);
    });
  return (
    <>
      <h1>Resources</h1>
      <div className="filters" role="search">
        <input
          type="search"
          aria-label="find a resource"
          placeholder="address, environment, run, drift"
          value={text}
          onChange={(event) => setQuery(event.target.value ? { q: event.target.value } : {}, { replace: true })}
        />
        {data && <span className="quiet num">{count(found.length, "resource")}</span>}
        <span className="spring" />
        {environments.map((environment) => (
          <button key={environment} type="button" disabled={busy} onClick={() => void lookAt(environment)}>
            Look for drift in {environment}
          </button>
        ))}
      </div>
      <Problem error={unsent ?? (data ? null : error)} />
      {data && !found.length && (
        <p className="quiet empty">{text ? "None has that." : "No run has made or changed anything yet."}</p>
      )}
      {found.length > 0 && (
        <div className={chosen ? "split" : ""}>
          <div className="table-frame">
            <table>
              <thead>
                <tr>
                  <th>Resource</th>
                  <th>Environment</th>
                  <th>Drift</th>
                  <th>Changed</th>
                  <th>By</th>
                </tr>
              </thead>
              <tbody>
                {found.slice(0, SHOWN).map((each) => (
                  <tr
                    key={`${each.environment} ${each.address}`}
                    aria-selected={chosen?.address === each.address && chosen.environment === each.environment}
                  >
                    <td>
                      <button type="button" className="bare mono" onClick={() => setChosen(each)}>
                        {each.address}
                      </button>
                    </td>
                    <td>{each.environment}</td>
                    <td>
                      <Standing of={each} />
                    </td>
                    <td className="quiet">
                      <Ago at={each.changed_at} />
                    </td>
                    <td>
                      <Link href={`/run/${each.run}`}>{each.run}</Link> <span className="quiet">{each.task}</span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {chosen && <OneResource of={chosen} onClose={() => setChosen(null)} />}
        </div>
      )}
      {found.length > SHOWN && <p className="quiet">and {found.length - SHOWN} more; narrow the search.</p>}
    </>
  );
}

function OneResource({ of, onClose }: { of: Resource; onClose: () => void }) {
  const query = new URLSearchParams({ address: of.address, environment: of.environment });
  const { data, error } = useSWR<Versions, unknown>(`/resources/history?${query.toString()}`, get);
  return (
    <Side label={`resource ${of.address}`}>
      <header>
        <h3 className="mono">{of.address}</h3>
        <button type="button" className="bare" onClick={onClose} aria-label="close">
          ✕
        </button>
      </header>
      <h4>As recorded</h4>
      {of.exists ? <Value value={of.state} /> : <p className="quiet">It is not there.</p>}
      <h4>Versions</h4>
      {!data && <Problem error={error} />}
      <ol className="history">
        {data?.versions
          .toReversed()
          .slice(0, 50)
          .map((version) => (
            <li key={version.version}>
              <b className="num">{version.version}</b> {version.kind} by{" "}
              <Link href={`/run/${version.run}`}>{version.run}</Link>{" "}
              <span className="quiet">
                {version.task}, <Ago at={version.at} />
              </span>
              <ul className="changes">
                {version.differences.slice(0, 20).map((each) => (
                  <li key={each.path}>
                    <span className="mono">{each.path}</span>{" "}
                    {each.before !== null && <del>{short(each.before, 60)}</del>} <ins>{short(each.after, 60)}</ins>
                  </li>
                ))}
              </ul>
            </li>
          ))}
      </ol>
    </Side>
  );
}
