import { ApiError } from "../api/client";
import type { Json } from "../api/types";

interface Fault {
  text: string;
  hint: string | null;
}

function faults(details: Json): Fault[] {
  if (typeof details !== "object" || details === null || Array.isArray(details)) return [];
  const problems = details.problems;
  if (!Array.isArray(problems)) return [];
  return problems.flatMap((problem) => {
    if (typeof problem !== "object" || problem === null || Array.isArray(problem)) return [];
    const { text, hint } = problem;
    return typeof text === "string" ? [{ text, hint: typeof hint === "string" ? hint : null }] : [];
  });
}

/** What is wrong and what to do next. */
export function Problem({ error }: { error: unknown }) {
  if (!error) return null;
  const known =
    error instanceof ApiError
      ? error
      : new ApiError(500, "page", error instanceof Error ? error.message : "something went wrong");
  const more = faults(known.details).slice(1, 20);
  return (
    <div className="callout tone-bad" role="alert">
      <p>
        <strong>{known.message}</strong>
      </p>
      {known.hint && <p className="quiet">{known.hint}</p>}
      {more.length > 0 && (
        <ul>
          {more.map((fault) => (
            <li key={fault.text}>
              {fault.text} {fault.hint && <span className="quiet">({fault.hint})</span>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
