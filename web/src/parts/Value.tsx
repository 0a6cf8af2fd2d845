import type { Json } from "../api/types";
import { plain } from "../model/format";

const LONG = 4000; // characters of a text that are shown at first

function Scalar({ value }: { value: Exclude<Json, Json[] | Record<string, Json>> }) {
  if (value === null) return <span className="quiet">none</span>;
  if (typeof value !== "string") return <span className="mono">{String(value)}</span>;
  const lines = value.split("\n").map(plain).join("\n");
  const text = lines.length > LONG ? `${lines.slice(0, LONG)}…` : lines;
  return text.includes("\n") ? <pre className="mono">{text}</pre> : <span className="mono">{text || "“”"}</span>;
}

/** JSON as a list of names and values, however deep. */
export function Value({ value }: { value: Json }) {
  if (typeof value !== "object" || value === null) return <Scalar value={value} />;
  if (Array.isArray(value)) {
    if (!value.length) return <span className="quiet">none</span>;
    return (
      <ul className="values">
        {value.slice(0, 200).map((item, at) => (
          <li key={at}>
            <Value value={item} />
          </li>
        ))}
        {value.length > 200 && <li className="quiet">and {value.length - 200} more</li>}
      </ul>
    );
  }
  const entries = Object.entries(value);
  if (!entries.length) return <span className="quiet">none</span>;
  return (
    <dl className="values">
      {entries.map(([name, item]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <Value value={item} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
