import useSWR from "swr";
import { Link, useSearchParams } from "wouter";

import { get } from "../api/client";
import type { JsonSchema, Operation } from "../api/types";
import { duration, schemaType, short } from "../model/format";
import { Problem } from "../parts/Problem";
import { EFFECT, UNDO, UndoMark } from "../parts/State";

/** What can be done, by agent. */
export function Operations() {
  const [query, setQuery] = useSearchParams();
  const { data, error } = useSWR<Operation[], unknown>("/operations", get);
  const text = query.get("q") ?? "";
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (data ?? []).filter((each) =>
    wanted.every((word) => `${each.name} ${each.summary} ${UNDO[each.undo].words}`.toLowerCase().includes(word)),
  );
  const agents = [...new Set(found.map((each) => each.agent))];
  return (
    <>
      <h1>Operations</h1>
      <div className="filters" role="search">
        <input
          type="search"
          aria-label="find an operation"
          placeholder="name or what it does"
          value={text}
          onChange={(event) => setQuery(event.target.value ? { q: event.target.value } : {}, { replace: true })}
        />
        {data && <span className="quiet num">{found.length}</span>}
      </div>
      {!data && <Problem error={error} />}
      {data && !found.length && <p className="quiet empty">No operation has that.</p>}
      {agents.map((agent) => (
        <section key={agent} className="agent">
          <h2>{agent}</h2>
          <ul>
            {found
              .filter((each) => each.agent === agent)
              .map((each) => (
                <li key={each.name}>
                  <Link href={`/operations/${each.name}`} className="mono">
                    {each.name.slice(agent.length + 1)}
                  </Link>
                  <span>{each.summary}</span>
                  <UndoMark of={each.undo} note={each.undo_note} />
                </li>
              ))}
          </ul>
        </section>
      ))}
    </>
  );
}

/** One operation: what it does, takes, gives, and what can be taken back. */
export function OperationPage({ name }: { name: string }) {
  const { data, error } = useSWR<Operation, unknown>(`/operations/${encodeURIComponent(name)}`, get);
  if (!data) return error ? <Problem error={error} /> : <p className="quiet empty">Reading…</p>;
  return (
    <article className="operation">
      <p className="quiet kicker">
        <Link href="/operations">Operations</Link> · {data.agent}
      </p>
      <h1 className="mono">{data.name}</h1>
      <p className="request">{data.summary}</p>
      <dl className="facts">
        <div>
          <dt>effect</dt>
          <dd>{EFFECT[data.effect]}</dd>
        </div>
        <div>
          <dt>undo</dt>
          <dd>
            <UndoMark of={data.undo} /> <span className="quiet">{data.undo_note || UNDO[data.undo].about}</span>
          </dd>
        </div>
        <div>
          <dt>timeout</dt>
          <dd>{duration(data.timeout)}</dd>
        </div>
      </dl>
      <h2>Inputs</h2>
      <Fields schema={data.inputs} marked />
      <h2>Result</h2>
      <Fields schema={data.result} marked={false} />
    </article>
  );
}

function Fields({ schema, marked }: { schema: JsonSchema; marked: boolean }) {
  const fields = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  if (!fields.length) return <p className="quiet">none</p>;
  return (
    <div className="table-frame">
      <table className="fields-table">
        <thead>
          <tr>
            <th>Name</th>
            <th>Type</th>
            <th>About</th>
          </tr>
        </thead>
        <tbody>
          {fields.map(([name, field]) => (
            <tr key={name}>
              <td className="mono">
                {name}
                {marked && required.has(name) && <span className="tone-ask"> required</span>}
              </td>
              <td className="quiet">{schemaType(field, schema.$defs)}</td>
              <td>
                {field.description}
                {field.default !== undefined && field.default !== null && (
                  <span className="quiet"> Default: {short(field.default, 60) || "empty"}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
