import useSWR from "swr";

import { get, post, runPath } from "../api/client";
import type { Repair } from "../api/types";
import { useAct } from "../api/useAct";
import { who } from "../api/who";
import { short } from "../model/format";
import { Problem } from "../parts/Problem";

/** What would repair a failed run, as a change of its plan; shown before anybody says yes to it. */
export function RepairBox({ run, onDone }: { run: string; onDone: () => void }) {
  const { data } = useSWR<Repair>(runPath(run, "/repair"), get, { revalidateOnFocus: false });
  const { busy, error, act } = useAct(onDone);
  if (!data?.proposed || !data.digest) return null;
  const { digest } = data;
  const apply = () =>
    act(async () => post(runPath(run, "/repair"), { digest, requested_by: await who(), approve: true }));
  return (
    <section className="callout tone-wait" aria-label="a repair is proposed">
      <h2>A repair is proposed</h2>
      {data.failures.map(
        (failure) =>
          failure.proposal && (
            <p key={failure.task}>
              <b>{failure.task}</b>: {failure.proposal}{" "}
              {failure.source && <span className="quiet">({failure.source})</span>}
            </p>
          ),
      )}
      <ul className="changes">
        {data.diff.slice(0, 40).map((line, at) => (
          <li key={at}>
            <span className="mono">
              {line.task}
              {line.path && `.${line.path}`}
            </span>{" "}
            {line.before === null ? null : <del>{short(line.before, 120)}</del>} <ins>{short(line.after, 160)}</ins>
          </li>
        ))}
      </ul>
      {data.risks.map((risk) => (
        <p key={risk} className="quiet">
          {risk}
        </p>
      ))}
      <Problem error={error} />
      <div className="actions-row">
        <button type="button" className="primary" disabled={busy} onClick={() => void apply()}>
          {busy ? "Changing the plan…" : "Change the plan so and go on"}
        </button>
      </div>
    </section>
  );
}
