import { EventSourceParserStream } from "eventsource-parser/stream";

import { errorOf } from "./client";
import type { RunEvent } from "./types";

export type Link = "live" | "connecting" | "closed";

export interface Following {
  /** Events in batches: what arrived between two pictures of the screen. */
  events(batch: RunEvent[]): void;
  link(state: Link): void;
}

/** Seconds to wait before try number `tries` (0 is the first) to connect again. */
export function pause(tries: number): number {
  return Math.min(10, 0.5 * 2 ** tries);
}

function address(path: string, after: number, once: boolean): string {
  return `${path}?after=${after}${once ? "&follow=false" : ""}`;
}

/**
 * Follow a run's events after `last` until the API ends the stream, the run has ended or `signal` aborts;
 * with `once` only those that are there already.
 *
 * Reads the stream by fetch and not by EventSource: EventSource needs every kind of event named beforehand, cannot tell
 * a refused token from a broken line, and connects again after an orderly end.
 */
export async function followRun(
  path: string,
  last: number,
  to: Following,
  signal: AbortSignal,
  once = false,
  sleep: (seconds: number) => Promise<void> = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000)),
): Promise<void> {
  let tries = 0;
  let after = last;
  const aborted = () => signal.aborted;
  while (!aborted()) {
    try {
      to.link("connecting");
      const answer = await fetch(address(path, after, once), {
        signal,
        cache: "no-store",
        credentials: "same-origin",
        headers: { accept: "text/event-stream", ...(after ? { "last-event-id": String(after) } : {}) },
      });
      if (!answer.ok || !answer.body) throw errorOf(answer.status, await answer.json().catch(() => null));
      to.link("live");
      tries = 0;
      const reader = answer.body
        .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array<ArrayBuffer>>)
        .pipeThrough(new EventSourceParserStream())
        .getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const event = JSON.parse(value.data) as RunEvent;
        after = Math.max(after, event.id);
        to.events([event]);
      }
      to.link("closed");
      return; // the API ends the stream when nothing more will come by itself
    } catch {
      if (aborted()) return;
      to.link("connecting");
      await sleep(pause(tries));
      tries += 1;
    }
  }
}
