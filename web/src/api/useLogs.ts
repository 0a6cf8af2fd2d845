import { useEffect, useState } from "react";

import { runEnded } from "../model/states";
import { get, runPath } from "./client";
import type { LogLine, LogPage } from "./types";

const PAGE = 2000;
export const LINES_KEPT = 20_000;

export interface Logs {
  lines: LogLine[];
  dropped: number; // lines no longer kept by this page
  loading: boolean;
}

const NONE: Logs = { lines: [], dropped: 0, loading: true };

export function added(before: Logs, more: LogLine[]): Logs {
  const lines = [...before.lines, ...more];
  const over = Math.max(0, lines.length - LINES_KEPT);
  return { lines: over ? lines.slice(over) : lines, dropped: before.dropped + over, loading: false };
}

/** The log lines of a run or of one of its tasks, and those that come. `moving` false: read to the end and stop. */
export function useLogs(run: string, task: string | null, moving: boolean): Logs {
  const key = `${run}/${task ?? ""}`;
  const [held, setHeld] = useState<{ key: string; logs: Logs }>({ key, logs: NONE });

  useEffect(() => {
    let stopped = false;
    let timer: ReturnType<typeof setTimeout>;
    let after = 0;
    const read = async () => {
      let wait = 1000;
      let over = false;
      try {
        const query = new URLSearchParams({ after: String(after), limit: String(PAGE), ...(task ? { task } : {}) });
        const page = await get<LogPage>(runPath(run, `/logs?${query.toString()}`));
        if (stopped) return;
        const first = after === 0;
        after = page.lines.at(-1)?.id ?? after;
        if (page.lines.length || first)
          setHeld((before) => ({
            key,
            logs: added(first || before.key !== key ? NONE : before.logs, page.lines),
          }));
        if (page.lines.length) wait = page.lines.length === PAGE ? 0 : 400;
        over = !page.lines.length && runEnded(page.state) && !moving;
      } catch {
        wait = 3000;
      }
      if (!stopped && !over) timer = setTimeout(() => void read(), wait);
    };
    void read();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [run, task, key, moving]);

  return held.key === key ? held.logs : NONE;
}
