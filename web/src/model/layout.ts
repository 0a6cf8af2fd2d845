import dagre from "@dagrejs/dagre";

/** What is drawn of a task, be it planned or running. */
export interface Node {
  id: string;
  needs: readonly string[];
}

export interface Box {
  id: string;
  x: number; // of the upper left corner, as y
  y: number;
}

export interface Edge {
  from: string;
  to: string;
  path: string; // of an SVG path
}

export interface Layout {
  width: number;
  height: number;
  boxes: Map<string, Box>;
  edges: Edge[];
}

interface Point {
  x: number;
  y: number;
}

export const BOX = { width: 190, height: 58 };

/** More tasks than this are shown as levels at first: their picture is larger than any screen. */
export const DRAWN_AT_FIRST = 150;

/** More tasks than this are shown as levels only: a picture of a thousand boxes says nothing, and takes seconds to lay out. */
export const DRAWN = 300;

/** Beyond so many edges for each task the layout's time grows out of hand, and nobody can follow a line any more. */
export const EDGES_DRAWN = 1200;

/** Tasks in the order of their levels: 0 needs nothing, n needs one of n - 1. Needs that are not there do not count. */
export function levels<T extends Node>(nodes: readonly T[]): T[][] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const depth = new Map<string, number>();
  const waiting = new Map<string, number>();
  const followers = new Map<string, string[]>();
  for (const node of nodes) {
    const needs = node.needs.filter((id) => byId.has(id));
    waiting.set(node.id, needs.length);
    for (const id of needs) followers.set(id, [...(followers.get(id) ?? []), node.id]);
  }
  let front = nodes.filter((node) => waiting.get(node.id) === 0).map((node) => node.id);
  for (const id of front) depth.set(id, 0);
  while (front.length) {
    const next: string[] = [];
    for (const id of front) {
      for (const follower of followers.get(id) ?? []) {
        depth.set(follower, Math.max(depth.get(follower) ?? 0, (depth.get(id) ?? 0) + 1));
        const left = (waiting.get(follower) ?? 1) - 1;
        waiting.set(follower, left);
        if (left === 0) next.push(follower);
      }
    }
    front = next;
  }
  const found: T[][] = [];
  for (const node of nodes) (found[depth.get(node.id) ?? 0] ??= []).push(node);
  return found;
}

/** A line through the points with round turns. */
function curve(points: Point[], down: boolean): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let path = `M${first.x.toFixed(1)} ${first.y.toFixed(1)}`;
  let at = first;
  for (const point of rest) {
    const [ax, ay, bx, by] = down
      ? [at.x, (at.y + point.y) / 2, point.x, (at.y + point.y) / 2]
      : [(at.x + point.x) / 2, at.y, (at.x + point.x) / 2, point.y];
    path += `C${ax.toFixed(1)} ${ay.toFixed(1)} ${bx.toFixed(1)} ${by.toFixed(1)} ${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
    at = point;
  }
  return path;
}

/** Where each task stands: levels from left to right, or from the top down where the screen is narrow. */
export function layout(nodes: readonly Node[], direction: "LR" | "TB" = "LR"): Layout {
  const graph = new dagre.graphlib.Graph();
  const margin = 4;
  graph.setGraph({
    rankdir: direction,
    nodesep: direction === "LR" ? 16 : 14,
    ranksep: direction === "LR" ? 40 : 28,
    edgesep: 10,
    ranker: "none", // tasks stand in the level in which they can start, not as late as their followers allow
    marginx: margin,
    marginy: margin,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(nodes.map((node) => node.id));
  levels(nodes).forEach((inside, level) => {
    // dagre keeps every second rank free for the labels of edges.
    for (const node of inside) graph.setNode(node.id, { ...BOX, rank: 2 * level });
  });
  for (const node of nodes) for (const need of node.needs) if (known.has(need)) graph.setEdge(need, node.id);
  dagre.layout(graph);
  const boxes = new Map<string, Box>();
  for (const node of nodes) {
    const { x, y } = graph.node(node.id) as Point;
    boxes.set(node.id, { id: node.id, x: x - BOX.width / 2, y: y - BOX.height / 2 });
  }
  const down = direction === "TB";
  const edges = graph.edges().map(({ v, w }) => {
    const from = boxes.get(v);
    const to = boxes.get(w);
    const { points } = graph.edge(v, w) as { points?: Point[] };
    const bends = points?.slice(1, -1) ?? [];
    const ends =
      from && to
        ? down
          ? [
              { x: from.x + BOX.width / 2, y: from.y + BOX.height },
              { x: to.x + BOX.width / 2, y: to.y },
            ]
          : [
              { x: from.x + BOX.width, y: from.y + BOX.height / 2 },
              { x: to.x, y: to.y + BOX.height / 2 },
            ]
        : [];
    const [start, end] = ends;
    // The middle bend of an edge between neighbouring levels only makes it wobble.
    const through = bends.length > 1 ? bends : [];
    return { from: v, to: w, path: start && end ? curve([start, ...through, end], down) : "" };
  });
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { width, height, boxes, edges };
}

export function drawable(nodes: readonly Node[]): boolean {
  return nodes.length <= DRAWN && nodes.reduce((sum, node) => sum + node.needs.length, 0) <= EDGES_DRAWN;
}

/**
 * The needs of tasks as they are drawn: a task of a rollback that says `undo-a` draws like any other, and an item of a
 * for_each (`deploy[2]`) hangs below what it came from.
 */
export function drawnNeeds<T extends Node>(nodes: readonly T[]): T[] {
  const known = new Set(nodes.map((node) => node.id));
  return nodes.map((node) => {
    const parent = node.id.replace(/\[[^\]]*\]$/, "");
    return parent !== node.id && known.has(parent) ? { ...node, needs: [parent] } : node;
  });
}

export type Arrow = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

/** The nearest box in the direction of an arrow key, for walking through the picture. */
export function neighbour(found: Layout, id: string, arrow: Arrow): string | null {
  const here = found.boxes.get(id);
  if (!here) return null;
  let best: { id: string; far: number } | null = null;
  for (const box of found.boxes.values()) {
    const dx = box.x - here.x;
    const dy = box.y - here.y;
    const across = arrow === "ArrowLeft" || arrow === "ArrowRight";
    const along = across ? dx : dy;
    const aside = Math.abs(across ? dy : dx);
    const forward = arrow === "ArrowLeft" || arrow === "ArrowUp" ? -along : along;
    if (box.id === id || forward < 1) continue;
    const far = forward + aside * 2;
    if (!best || far < best.far) best = { id: box.id, far };
  }
  return best?.id ?? null;
}
