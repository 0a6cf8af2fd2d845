import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";

import { type Arrow, BOX, drawable, DRAWN_AT_FIRST, drawnNeeds, layout, neighbour, type Node } from "../model/layout";
import { Levels } from "./Levels";

export interface Drawn extends Node {
  state?: string;
}

interface Props<T extends Drawn> {
  tasks: readonly T[];
  selected: string | null;
  onSelect: (id: string) => void;
  card: (task: T) => ReactNode;
  tone: (task: T) => string;
  label: string;
}

const CHOICE = 30; // tasks; below, levels say no more than the picture
const NARROW = 620; // pixels; below, a plan runs from the top down
const ARROWS: ReadonlySet<string> = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);
const SMALLEST = 0.4;
const READABLE = 0.8; // a picture that does not fit at this size is scrolled

function useWidth(): [React.RefObject<HTMLDivElement | null>, number] {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [box, width];
}

/** A plan as a picture: boxes that are buttons, over the lines between them. Big plans become levels. */
export function Dag<T extends Drawn>(props: Props<T>) {
  const [box, width] = useWidth();
  const linked = useMemo(() => drawnNeeds(props.tasks), [props.tasks]);
  const [chosen, setChosen] = useState<boolean | null>(null);
  const possible = drawable(linked);
  const picture = possible && (chosen ?? linked.length <= DRAWN_AT_FIRST);
  return (
    <div ref={box} className="dag-frame">
      {possible && linked.length > CHOICE && (
        <button type="button" className="small quiet-button dag-way" onClick={() => setChosen(!picture)}>
          {picture ? "as levels" : "as a picture"}
        </button>
      )}
      {width > 0 &&
        (picture ? <Picture {...props} tasks={linked} width={width} /> : <Levels {...props} tasks={linked} />)}
    </div>
  );
}

function Picture<T extends Drawn>({
  tasks,
  selected,
  onSelect,
  card,
  tone,
  label,
  width,
}: Props<T> & { width: number }) {
  const frame = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState<number | null>(null);
  const direction = width < NARROW ? "TB" : "LR";
  // The layout depends on the shape only: states change many times a second while it stays.
  const shape = tasks.map((task) => `${task.id}<${task.needs.join(",")}`).join(";");
  const found = useMemo(
    () => layout(tasks, direction),
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [shape, direction],
  );
  const fit = Math.max(READABLE, Math.min(1, (width - 2) / Math.max(found.width, 1)));
  const scale = zoom ?? fit;
  const tones = new Map(tasks.map((task) => [task.id, tone(task)]));
  const [entry] = tasks;
  const anchor = selected !== null && found.boxes.has(selected) ? selected : entry?.id;

  useEffect(() => {
    if (selected !== null)
      frame.current
        ?.querySelector(`[data-task="${CSS.escape(selected)}"]`)
        ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [selected, width]);

  const walk = (event: KeyboardEvent, id: string) => {
    if (!ARROWS.has(event.key)) return;
    const next = neighbour(found, id, event.key as Arrow);
    event.preventDefault();
    if (next) frame.current?.querySelector<HTMLElement>(`[data-task="${CSS.escape(next)}"]`)?.focus();
  };

  return (
    <>
      <div className="dag" ref={frame} role="group" aria-label={label}>
        <div className="dag-size" style={{ width: found.width * scale, height: found.height * scale }}>
          <div
            className="dag-canvas"
            style={{ width: found.width, height: found.height, transform: `scale(${scale})` }}
          >
            <svg width={found.width} height={found.height} aria-hidden="true">
              {found.edges.map((edge) => (
                <path
                  key={`${edge.from}>${edge.to}`}
                  d={edge.path}
                  className={`edge from-${tones.get(edge.from) ?? ""} ${
                    selected === edge.from || selected === edge.to ? "near" : ""
                  }`}
                />
              ))}
            </svg>
            {tasks.map((task) => {
              const at = found.boxes.get(task.id);
              return (
                at && (
                  <button
                    key={task.id}
                    type="button"
                    data-task={task.id}
                    className={`card tone-${tone(task)}`}
                    aria-pressed={selected === task.id}
                    tabIndex={task.id === anchor ? 0 : -1}
                    style={{ left: at.x, top: at.y, width: BOX.width, height: BOX.height }}
                    onClick={() => onSelect(task.id)}
                    onKeyDown={(event) => walk(event, task.id)}
                  >
                    {card(task)}
                  </button>
                )
              );
            })}
          </div>
        </div>
      </div>
      {(found.width > width || found.height > 700 || zoom !== null) && (
        <div className="dag-zoom" role="group" aria-label="size of the picture">
          <button type="button" onClick={() => setZoom(Math.max(SMALLEST, scale - 0.15))} aria-label="smaller">
            −
          </button>
          <button type="button" onClick={() => setZoom(null)}>
            {Math.round(scale * 100)} %
          </button>
          <button type="button" onClick={() => setZoom(Math.min(1.3, scale + 0.15))} aria-label="larger">
            +
          </button>
        </div>
      )}
    </>
  );
}
