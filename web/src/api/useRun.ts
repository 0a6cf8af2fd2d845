import { useCallback, useEffect, useRef, useState } from "react";

import { reduce } from "../model/reduce";
import { runEnded } from "../model/states";
import { ApiError, get, runPath } from "./client";
import { followRun, type Link } from "./stream";
import type { RunDetail, RunEvent } from "./types";

const EVENTS_KEPT = 20_000;
const HIDDEN_EVERY = 4000; // milliseconds between looks at a run whose page nobody sees

export interface Watched {
  run: RunDetail | null;
  events: RunEvent[];
  link: Link;
  error: ApiError | null;
  refresh: () => void;
}

interface Seen {
  run: RunDetail | null;
  events: RunEvent[];
}

/** Milliseconds between two full looks at a run: a big one takes the API longer. */
export function lookEvery(tasks: number): number {
  return 700 + tasks * 2.5;
}

function visible(): boolean {
  return document.visibilityState !== "hidden";
}

function useVisible(): boolean {
  const [seen, setSeen] = useState(visible);
  useEffect(() => {
    const look = () => setSeen(visible());
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return seen;
}

/** A run as it goes: a look at it, then its events, then now and again another look for what events do not say. */
export function useRun(name: string): Watched {
  const [seen, setSeen] = useState<Seen>({ run: null, events: [] });
  const [link, setLink] = useState<Link>("connecting");
  const [error, setError] = useState<ApiError | null>(null);
  const [round, setRound] = useState(0);
  const shown = useVisible();
  const size = useRef(0);
  const refresh = useCallback(() => setRound((before) => before + 1), []);

  useEffect(() => {
    const stop = new AbortController();
    let pending: RunEvent[] = [];
    let sinceLook: RunEvent[] | null = null;
    let frame = 0;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const ended = () => stop.signal.aborted;

    const look = async (): Promise<RunDetail | null> => {
      timer = null;
      sinceLook = [];
      try {
        const found = await get<RunDetail>(runPath(name));
        if (ended()) return null;
        const missed = sinceLook;
        size.current = found.task_count;
        setError(null);
        setSeen((before) => ({ ...before, run: reduce(found, missed) }));
        return found;
      } catch (problem) {
        if (!ended() && problem instanceof ApiError && !problem.away) setError(problem);
        return null;
      } finally {
        sinceLook = null;
      }
    };
    const lookSoon = () => {
      timer ??= setTimeout(() => void look(), lookEvery(size.current));
    };
    const flush = () => {
      frame = 0;
      const batch = pending;
      pending = [];
      if (!batch.length) return;
      sinceLook?.push(...batch);
      setSeen((before) => ({
        run: before.run && reduce(before.run, batch),
        events: [...before.events, ...batch].slice(-EVENTS_KEPT),
      }));
      lookSoon();
    };
    const to = {
      events: (batch: RunEvent[]) => {
        pending.push(...batch);
        frame ||= requestAnimationFrame(flush);
      },
      link: setLink,
    };

    const watch = async () => {
      const path = runPath(name, "/events");
      const past: RunEvent[] = [];
      const gather = { events: (batch: RunEvent[]) => past.push(...batch), link: () => undefined };
      let first = await look();
      while (!first && !ended()) {
        await new Promise((done) => setTimeout(done, 1500));
        if (!ended()) first = await look();
      }
      await followRun(path, 0, gather, stop.signal, true);
      if (ended()) return;
      setSeen((before) => ({ ...before, events: past.slice(-EVENTS_KEPT) }));
      const now = await look(); // what happened between the first look and the last of these events
      if (ended()) return;
      if (now && runEnded(now.state)) {
        setLink("closed");
        return;
      }
      await followRun(path, past.at(-1)?.id ?? 0, to, stop.signal);
      if (ended()) return;
      flush();
      await look();
    };

    let beat: ReturnType<typeof setInterval> | null = null;
    if (shown) void watch();
    else beat = setInterval(() => void look(), HIDDEN_EVERY); // gives its connection to the pages that are seen
    return () => {
      stop.abort();
      if (frame) cancelAnimationFrame(frame);
      if (timer) clearTimeout(timer);
      if (beat) clearInterval(beat);
    };
  }, [name, round, shown]);

  return { ...seen, link, error, refresh };
}
