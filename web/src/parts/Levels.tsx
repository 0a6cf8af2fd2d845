import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useMemo, useRef, useState } from "react";

import type { TaskState } from "../api/types";
import { count } from "../model/format";
import { levels } from "../model/layout";
import type { Drawn } from "./Dag";
import { Progress } from "./State";

const ROW = 66; // pixels: a card and the space below it
const HEAD = 38;

type Row<T> = { level: number; tasks: T[] } | { task: T };

function states(tasks: readonly Drawn[]): Partial<Record<TaskState, number>> {
  const counts: Partial<Record<string, number>> = {};
  for (const { state } of tasks) if (state) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

interface Props<T extends Drawn> {
  tasks: readonly T[];
  selected: string | null;
  onSelect: (id: string) => void;
  card: (task: T) => ReactNode;
  tone: (task: T) => string;
  label: string;
}

/** A plan too big for a picture: its levels with how far each is; opened, a level lists its tasks. Only what is seen is there. */
export function Levels<T extends Drawn>({ tasks, selected, onSelect, card, tone, label }: Props<T>) {
  const frame = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const found = useMemo(() => levels(tasks), [tasks]);
  const rows = useMemo(() => {
    const all: Row<T>[] = [];
    found.forEach((inside, level) => {
      all.push({ level, tasks: inside });
      if (open.has(level)) all.push(...inside.map((task) => ({ task })));
    });
    return all;
  }, [found, open]);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: (at) => (rows[at] && "task" in rows[at] ? ROW : HEAD),
    getItemKey: (at) => {
      const row = rows[at];
      return row && "task" in row ? row.task.id : `level ${row?.level ?? at}`;
    },
    overscan: 8,
  });
  const toggle = (level: number) => {
    const next = new Set(open);
    if (!next.delete(level)) next.add(level);
    setOpen(next);
  };
  return (
    <>
      <p className="quiet levels-note">
        {count(tasks.length, "task")} in {count(found.length, "level")}. A task starts as soon as those that it needs
        are done, whatever its level.
      </p>
      <div className="levels" ref={frame} role="group" aria-label={label}>
        <div className="levels-size" style={{ height: list.getTotalSize() }}>
          {list.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const style = { transform: `translateY(${item.start}px)`, height: item.size };
            if ("task" in row)
              return (
                <div key={item.key} className="level-task" style={style}>
                  <button
                    type="button"
                    className={`card tone-${tone(row.task)}`}
                    aria-pressed={selected === row.task.id}
                    onClick={() => onSelect(row.task.id)}
                  >
                    {card(row.task)}
                  </button>
                </div>
              );
            return (
              <div key={item.key} className="level-head" style={style}>
                <button type="button" aria-expanded={open.has(row.level)} onClick={() => toggle(row.level)}>
                  <span aria-hidden="true">{open.has(row.level) ? "▾" : "▸"}</span>
                  <b>Level {row.level + 1}</b>
                  <span className="quiet num">{count(row.tasks.length, "task")}</span>
                  {row.tasks[0]?.state !== undefined && (
                    <Progress counts={states(row.tasks)} total={row.tasks.length} />
                  )}
                </button>
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}
