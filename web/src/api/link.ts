import { useSyncExternalStore } from "react";

import type { ApiError } from "./client";

/** How the page stands with the API: answered lately, away, or asking for a token. */
export type Standing = "well" | "away" | "token";

let standing: Standing = "well";
const listeners = new Set<() => void>();

function become(next: Standing): void {
  if (next === standing) return;
  standing = next;
  for (const listener of listeners) listener();
}

export function answered(): void {
  become("well");
}

export function refused(error: ApiError): void {
  if (error.away) become("away");
  else become(error.needsToken ? "token" : "well");
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useStanding(): Standing {
  return useSyncExternalStore(subscribe, () => standing);
}
