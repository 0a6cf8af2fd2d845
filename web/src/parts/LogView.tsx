import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";

import type { Logs } from "../api/useLogs";
import { clock, count, plain } from "../model/format";

const NEAR = 40; // pixels from the end within which a reader counts as being at the end

/** Lines as they come; scrolling up stops following, the button (or the end) takes it up again. */
export function LogView({ logs, named, moving }: { logs: Logs; named: boolean; moving: boolean }) {
  const frame = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  const { lines } = logs;
  const list = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => 19,
    getItemKey: (at) => lines[at]?.id ?? at,
    overscan: 20,
  });
  useEffect(() => {
    if (follow && lines.length) list.scrollToIndex(lines.length - 1, { align: "end" });
  }, [follow, lines.length, list]);

  if (!lines.length)
    return (
      <p className="quiet empty" role="status">
        {logs.loading ? "Reading…" : moving ? "Nothing was printed so far." : "Nothing was printed."}
      </p>
    );
  return (
    <div className="log-frame">
      {logs.dropped > 0 && (
        <p className="quiet">The first {count(logs.dropped, "line")} are left out; `reign logs` prints them all.</p>
      )}
      <div
        className="log"
        ref={frame}
        role="log"
        aria-label="log lines"
        aria-live="off"
        // A region that scrolls must be reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onScroll={({ currentTarget: box }) => setFollow(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR)}
      >
        <div className="log-size" style={{ height: list.getTotalSize() }}>
          {list.getVirtualItems().map((item) => {
            const line = lines[item.index];
            return (
              line && (
                <div
                  key={item.key}
                  ref={list.measureElement}
                  data-index={item.index}
                  className={`line stream-${line.stream.replaceAll(/\W/g, "")}`}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <span className="at">{clock(line.at)}</span>
                  {named && <span className="who">{line.task}</span>}
                  <span className="text">{plain(line.text)}</span>
                </div>
              )
            );
          })}
        </div>
      </div>
      {!follow && (
        <button type="button" className="small log-follow" onClick={() => setFollow(true)}>
          ↓ {moving ? "follow" : "to the end"}
        </button>
      )}
    </div>
  );
}
