import type { Effect, TaskState, Undo } from "../api/types";
import { count } from "../model/format";
import { look, TASK_ORDER } from "../model/states";

/** A state by colour, mark and words. */
export function State({ of }: { of: string }) {
  const { tone, mark, words } = look(of);
  return (
    <span className={`state tone-${tone}`}>
      <span aria-hidden="true" className="mark">
        {mark}
      </span>
      {words}
    </span>
  );
}

export function Mark({ of }: { of: string }) {
  const { tone, mark, words } = look(of);
  return (
    <span className={`mark tone-${tone}`} role="img" aria-label={words} title={words}>
      {mark}
    </span>
  );
}

export const UNDO: Record<Undo, { mark: string; words: string; about: string }> = {
  exact: { mark: "↶", words: "exact undo", about: "a rollback restores what was there" },
  compensating: { mark: "≈", words: "best effort", about: "a rollback does what it can" },
  none: { mark: "⚠", words: "no way back", about: "cannot be taken back" },
  unneeded: { mark: "", words: "reads only", about: "changes nothing" },
};

export const EFFECT: Record<Effect, string> = { read: "reads", change: "changes", destroy: "takes away" };

export function UndoMark({ of, note }: { of: Undo; note?: string }) {
  const { mark, words, about } = UNDO[of];
  return (
    <span className={`undo undo-${of}`} title={note ?? about}>
      {mark && <span aria-hidden="true">{mark} </span>}
      {words}
    </span>
  );
}

/** How far a heap of tasks is: a bar whose parts are its states, and the same in words. */
export function Progress({ counts, total }: { counts: Partial<Record<TaskState, number>>; total: number }) {
  const parts = TASK_ORDER.flatMap((state) => {
    const number = counts[state] ?? 0;
    return number ? [{ state, number, ...look(state) }] : [];
  });
  const text = parts.map((part) => `${part.number} ${part.words}`).join(", ") || count(total, "task");
  return (
    <span className="progress" role="img" aria-label={text} title={text}>
      {parts.map((part) => (
        <span key={part.state} className={`tone-${part.tone}`} style={{ flexGrow: part.number }} />
      ))}
    </span>
  );
}
