import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { BOX, drawable, DRAWN, drawnNeeds, layout, levels, neighbour, type Node } from "../src/model/layout";

/** Any DAG: a task needs some of those before it. */
const dags = fc.array(fc.array(fc.nat(), { maxLength: 4 }), { minLength: 1, maxLength: 40 }).map((rows) =>
  rows.map((picks, at): Node => ({
    id: `t${at}`,
    needs: at ? [...new Set(picks.map((pick) => `t${pick % at}`))] : [],
  })),
);

describe("levels", () => {
  it("put every task once, below all that it needs, and no lower than it must be", () => {
    fc.assert(
      fc.property(dags, (nodes) => {
        const found = levels(nodes);
        const at = new Map(found.flatMap((inside, level) => inside.map((node) => [node.id, level] as const)));
        expect(found.flat()).toHaveLength(nodes.length);
        for (const node of nodes)
          expect(at.get(node.id)).toBe(Math.max(-1, ...node.needs.map((need) => at.get(need) ?? NaN)) + 1);
      }),
    );
  });

  it("leave out needs that are not among the tasks", () => {
    expect(levels([{ id: "a", needs: ["gone"] }])).toEqual([[{ id: "a", needs: ["gone"] }]]);
  });

  it("are quick for ten thousand tasks in a chain", () => {
    const chain = Array.from({ length: 10_000 }, (_, at) => ({ id: `t${at}`, needs: at ? [`t${at - 1}`] : [] }));
    expect(levels(chain)).toHaveLength(10_000);
  });
});

describe("the picture", () => {
  it.each(["LR", "TB"] as const)("has no two boxes on one another and every need before its task (%s)", (direction) => {
    fc.assert(
      fc.property(dags, (nodes) => {
        const { boxes, edges, width, height } = layout(nodes, direction);
        const all = [...boxes.values()];
        for (const [at, a] of all.entries()) {
          expect(a.x).toBeGreaterThanOrEqual(0);
          expect(a.x + BOX.width).toBeLessThanOrEqual(width + 0.01);
          expect(a.y + BOX.height).toBeLessThanOrEqual(height + 0.01);
          for (const b of all.slice(at + 1))
            expect(Math.abs(a.x - b.x) >= BOX.width || Math.abs(a.y - b.y) >= BOX.height).toBe(true);
        }
        expect(edges).toHaveLength(nodes.reduce((sum, node) => sum + node.needs.length, 0));
        for (const edge of edges) {
          const [from, to] = [boxes.get(edge.from), boxes.get(edge.to)];
          if (direction === "LR") expect(from?.x).toBeLessThan(to?.x ?? 0);
          else expect(from?.y).toBeLessThan(to?.y ?? 0);
          expect(edge.path).toMatch(/^M[-\d. ]+C/);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("shows the levels: a task stands as far to the left as it can", () => {
    fc.assert(
      fc.property(dags, (nodes) => {
        const { boxes } = layout(nodes);
        const columns = levels(nodes).map((inside) => new Set(inside.map((node) => boxes.get(node.id)?.x)));
        expect(columns.map((column) => column.size)).toEqual(columns.map(() => 1));
        const places = columns.map((column) => [...column][0] ?? NaN);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }),
      { numRuns: 40 },
    );
  });

  it("is given up for plans that are too big", () => {
    const flat = (size: number) => Array.from({ length: size }, (_, at) => ({ id: `t${at}`, needs: [] }));
    expect(drawable(flat(DRAWN))).toBe(true);
    expect(drawable(flat(DRAWN + 1))).toBe(false);
    const knotted = flat(100).map((node, at) => ({ ...node, needs: flat(at).map((other) => other.id) }));
    expect(drawable(knotted)).toBe(false);
  });

  it("hangs the items of a for_each below what they came from", () => {
    const nodes = [
      { id: "deploy", needs: ["build"] },
      { id: "deploy[0]", needs: ["build"] },
      { id: "other[0]", needs: [] },
    ];
    expect(drawnNeeds(nodes).map((node) => node.needs)).toEqual([["build"], ["deploy"], []]);
  });

  it("can be walked through by the arrow keys", () => {
    const found = layout([
      { id: "a", needs: [] },
      { id: "b", needs: ["a"] },
      { id: "c", needs: ["a"] },
    ]);
    const right = neighbour(found, "a", "ArrowRight");
    expect(["b", "c"]).toContain(right);
    expect(neighbour(found, right ?? "", "ArrowLeft")).toBe("a");
    const below = [neighbour(found, "b", "ArrowDown"), neighbour(found, "b", "ArrowUp")];
    expect(below).toContain("c");
    expect(neighbour(found, "a", "ArrowLeft")).toBeNull();
  });
});
