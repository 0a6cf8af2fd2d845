import { useSyncExternalStore } from "react";

import { ago, duration, moment } from "../model/format";

let now = Date.now() / 1000;
let timer: ReturnType<typeof setInterval> | null = null;
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now() / 1000;
    for (const each of listeners) each();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (!listeners.size && timer) {
      clearInterval(timer);
      timer = null;
    }
  };
}

/** The time in seconds since 1970; one clock for the whole page, ticking once a second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

export function Ago({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={moment(at)}>
      {ago(at, useNow())}
    </time>
  );
}

function Ticking({ since }: { since: number }) {
  return <>{duration(useNow() - since)}</>;
}

/** How long something took, or takes until now. */
export function Took({ from, to }: { from: number | null; to: number | null }) {
  if (from === null) return null;
  return <span className="num">{to === null ? <Ticking since={from} /> : duration(to - from)}</span>;
}
