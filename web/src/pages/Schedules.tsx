import useSWR from "swr";

import { get, post } from "../api/client";
import type { Schedule } from "../api/types";
import { useAct } from "../api/useAct";
import { who } from "../api/who";
import { moment } from "../model/format";
import { Problem } from "../parts/Problem";

/** What is done by itself, and when next. */
export function Schedules() {
  const { data, error: unread, mutate } = useSWR<Schedule[], unknown>("/schedules", get, { refreshInterval: 5000 });
  const { busy, error, act } = useAct(() => void mutate());
  const send = (name: string, verb: "pause" | "resume" | "run") =>
    act(async () => post(`/schedules/${encodeURIComponent(name)}/${verb}`, { requested_by: await who() }));
  return (
    <>
      <h1>Schedules</h1>
      <Problem error={error ?? (data ? null : unread)} />
      {data?.length === 0 && (
        <p className="quiet empty">
          Nothing is done by itself yet; <code>reign schedule --help</code> tells how to make one.
        </p>
      )}
      {data && data.length > 0 && (
        <div className="table-frame">
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>When</th>
                <th>What</th>
                <th>Next</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {data.map((each) => (
                <tr key={each.name}>
                  <td>
                    <b>{each.name}</b>
                  </td>
                  <td>
                    <span className="mono">{each.spec}</span> <span className="quiet">{each.timezone}</span>
                  </td>
                  <td>
                    {each.what} <span className="quiet">{each.environment}</span>
                  </td>
                  <td className="quiet num">
                    {each.paused ? "paused" : each.next_due === null ? "never" : moment(each.next_due)}
                  </td>
                  <td>
                    <span className="actions-row">
                      <button
                        type="button"
                        className="small"
                        disabled={busy}
                        onClick={() => void send(each.name, each.paused ? "resume" : "pause")}
                      >
                        {each.paused ? "Go on" : "Pause"}
                      </button>
                      <button
                        type="button"
                        className="small"
                        disabled={busy}
                        onClick={() => void send(each.name, "run")}
                      >
                        Run now
                      </button>
                    </span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
