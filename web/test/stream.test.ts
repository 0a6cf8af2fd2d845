import { afterEach, expect, it, vi } from "vitest";

import { ApiError, errorOf } from "../src/api/client";
import { followRun, pause } from "../src/api/stream";
import type { RunEvent } from "../src/api/types";
import { added, LINES_KEPT } from "../src/api/useLogs";

afterEach(() => vi.unstubAllGlobals());

function frame(id: number, kind: string): string {
  return `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify({ id, task: null, kind, data: null, at: id })}\n\n`;
}

/** A body that comes in pieces, cut wherever; `broken`: the line breaks after them. */
function body(pieces: string[], broken: boolean): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const piece = pieces[at++];
      if (piece !== undefined) controller.enqueue(new TextEncoder().encode(piece));
      else if (broken) controller.error(new Error("connection reset"));
      else controller.close();
    },
  });
}

it("takes up the stream after a broken line where it was, and stops when the API ends it", async () => {
  const asked: [string, string | null][] = [];
  const answers = [
    () => new Response(body([frame(1, "run.queued"), frame(2, "run.running").slice(0, 20)], true)),
    () => Promise.reject(new TypeError("network")),
    () => new Response(JSON.stringify({ error: { code: "unavailable", message: "no database" } }), { status: 503 }),
    () => new Response(body([": still here\n\n", frame(2, "run.running") + frame(3, "run.succeeded")], false)),
  ];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    asked.push([path, new Headers(init.headers).get("last-event-id")]);
    return answers[asked.length - 1]?.();
  });
  const seen: RunEvent[] = [];
  const links: string[] = [];
  const waited: number[] = [];
  const to = { events: (batch: RunEvent[]) => seen.push(...batch), link: (state: string) => links.push(state) };
  await followRun("/runs/x/events", 0, to, new AbortController().signal, false, (seconds) => {
    waited.push(seconds);
    return Promise.resolve();
  });
  expect(seen.map((event) => event.id)).toEqual([1, 2, 3]);
  expect(asked).toEqual([
    ["/runs/x/events?after=0", null],
    ["/runs/x/events?after=1", "1"],
    ["/runs/x/events?after=1", "1"],
    ["/runs/x/events?after=1", "1"],
  ]);
  expect(waited).toEqual([0.5, 1, 2]);
  expect(links.at(-1)).toBe("closed");
});

it("is told to stop, and asks no more", async () => {
  const stop = new AbortController();
  const fetched = vi.fn(() => {
    stop.abort();
    return Promise.reject(new TypeError("network"));
  });
  vi.stubGlobal("fetch", fetched);
  const to = { events: () => undefined, link: () => undefined };
  await followRun("/runs/x/events", 5, to, stop.signal, true);
  expect(fetched).toHaveBeenCalledTimes(1);
  expect(fetched).toHaveBeenCalledWith("/runs/x/events?after=5&follow=false", expect.anything());
});

it("waits longer from try to try, and never long", () => {
  expect([0, 1, 2, 9].map(pause)).toEqual([0.5, 1, 2, 10]);
});

it("finds the API's words in an answer, and has its own for other answers", () => {
  const named = errorOf(422, {
    error: { code: "invalid_input", message: "no", hint: "yes", details: { problems: [] } },
  });
  expect(named).toMatchObject({ code: "invalid_input", message: "no", hint: "yes" });
  expect(errorOf(502, null)).toMatchObject({ away: true, message: "the API answered with status 502" });
  expect(errorOf(401, "<html>")).toMatchObject({ needsToken: true });
  expect(errorOf(500, null)).toBeInstanceOf(ApiError);
});

it("keeps the last lines of a long log and counts what it let go", () => {
  const line = (id: number) => ({ id, task: "a", attempt: 1, at: 0, stream: "stdout", text: "" });
  const full = { lines: Array.from({ length: LINES_KEPT }, (_, at) => line(at)), dropped: 3, loading: true };
  const after = added(full, [line(LINES_KEPT), line(LINES_KEPT + 1)]);
  expect(after).toMatchObject({ dropped: 5, loading: false });
  expect([after.lines.length, after.lines[0]?.id]).toEqual([LINES_KEPT, 2]);
});
