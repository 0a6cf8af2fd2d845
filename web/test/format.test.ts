import { describe, expect, it } from "vitest";

import { ago, count, duration, plain, schemaType, short } from "../src/model/format";

describe("duration", () => {
  it.each([
    [0, "0 ms"],
    [0.0154, "15 ms"],
    [0.9996, "1.0 s"],
    [4.24, "4.2 s"],
    [9.97, "10 s"],
    [59.6, "1 min"],
    [200, "3 min 20 s"],
    [7500, "2 h 5 min"],
    [3600, "1 h"],
    [273_600, "3 d 4 h"],
    [-3, "0 ms"],
  ])("%d seconds are %s", (seconds, words) => expect(duration(seconds)).toBe(words));
});

it("says how long ago something was", () => {
  expect([2, 40, 300, 7200, 200_000].map((s) => ago(1000 - s, 1000))).toEqual([
    "just now",
    "40 s ago",
    "5 min ago",
    "2 h ago",
    "2 d ago",
  ]);
});

it("counts in words", () => {
  expect([count(1, "task"), count(0, "task"), count(1500, "task")]).toEqual(["1 task", "0 tasks", "1,500 tasks"]);
});

describe("what tools print", () => {
  it.each([
    ["\u001b[31mred\u001b[0m text", "red text"],
    ["\u001b]8;;http://x\u0007link\u001b]8;;\u0007", "link"],
    ["10 %\r50 %\r100 %", "100 %"],
    ["a line of Windows\r", "a line of Windows"],
    ["bell\u0007 and\u0000 null", "bell and null"],
    ["tab\tstays", "tab\tstays"],
    ["\u202egnp.exe", "gnp.exe"],
    ["<script>alert(1)</script>", "<script>alert(1)</script>"],
  ])("%j is shown as %j", (raw, shown) => expect(plain(raw)).toBe(shown));
});

it("shortens a value to one line", () => {
  expect(short({ a: [1, 2] })).toBe('{"a":[1,2]}');
  expect(short("two\n  lines")).toBe("two lines");
  expect(short("x".repeat(100), 10)).toBe("xxxxxxxxx…");
});

describe("types of inputs", () => {
  it.each([
    [{ type: "string" }, "text"],
    [{ anyOf: [{ type: "string" }, { type: "null" }] }, "text"],
    [{ anyOf: [{ type: "array", items: { type: "string" } }, { type: "string" }] }, "list of text or text"],
    [{ type: "object", additionalProperties: { type: "integer" } }, "names with whole number"],
    [{ enum: ["a", "b"] }, '"a" or "b"'],
    [{ $ref: "#/$defs/Level" }, '"low"'],
    [{ $ref: "#/$defs/Missing" }, "object"],
    [{ type: ["number", "string"] }, "number or text"],
    [{ type: "object", properties: { cpus: {}, memory: {} } }, "{cpus, memory}"],
    [{}, "anything"],
  ])("%j is %s", (schema, words) => expect(schemaType(schema, { Level: { const: "low" } })).toBe(words));
});
