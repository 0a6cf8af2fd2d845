import type { Json, JsonSchema } from "../api/types";

/** `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  const s = Math.max(0, seconds);
  if (s < 0.9995) return `${Math.round(s * 1000)} ms`;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 60) return `${whole} s`;
  const parts: [number, string][] = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor((whole % 86400) / 3600), "h"],
    [Math.floor((whole % 3600) / 60), "min"],
    [whole % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** `just now`, `40 s ago`, `5 min ago`, `3 h ago`, `2 d ago`. */
export function ago(at: number, now: number): string {
  const s = now - at;
  if (s < 5) return "just now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86400)} d ago`;
}

/** `14:03:07` in the reader's own time zone. */
export function clock(at: number): string {
  return new Date(at * 1000).toLocaleTimeString("en-GB", { hour12: false });
}

/** Date and time for a tooltip. */
export function moment(at: number): string {
  return new Date(at * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en-GB")} ${number === 1 ? one : many}`;
}

export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** A value in one line of at most `width` characters. */
export function short(value: Json, width = 80): string {
  const text = (typeof value === "string" ? value : JSON.stringify(value)).replaceAll(/\s+/g, " ").trim();
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

// CSI and OSC sequences, and single escapes; ECMA-48, 5.4.
// eslint-disable-next-line no-control-regex
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g;

/**
 * What a tool printed, as plain text: colours and cursor movements gone, of a line that was written over (`\r`) the
 * last version, and no characters that would turn the direction of the text around.
 */
export function plain(text: string): string {
  const bare = text.replaceAll(ESCAPES, "").replace(/\r+$/, "");
  return bare.slice(bare.lastIndexOf("\r") + 1).replaceAll(CONTROLS, "");
}

/** The type of a field of a JSON Schema in a few words: `text`, `list of text`, `"a" or "b"`, `{cpus, memory}`. */
export function schemaType(schema: JsonSchema, defs: Record<string, JsonSchema> = {}): string {
  if (schema.$ref) {
    const found = defs[schema.$ref.split("/").pop() ?? ""];
    return found ? schemaType(found, defs) : "object";
  }
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.anyOf) {
    const kinds = schema.anyOf.filter((part) => part.type !== "null").map((part) => schemaType(part, defs));
    return [...new Set(kinds)].join(" or ");
  }
  if (Array.isArray(schema.type)) {
    return schema.type
      .filter((type) => type !== "null")
      .map((type) => schemaType({ ...schema, type }, defs))
      .join(" or ");
  }
  if (schema.properties) return `{${Object.keys(schema.properties).join(", ")}}`;
  switch (schema.type) {
    case "string":
      return "text";
    case "integer":
      return "whole number";
    case "number":
      return "number";
    case "boolean":
      return "yes or no";
    case "array":
      return schema.items ? `list of ${schemaType(schema.items, defs)}` : "list";
    case "object":
      return typeof schema.additionalProperties === "object" && Object.keys(schema.additionalProperties).length
        ? `names with ${schemaType(schema.additionalProperties, defs)}`
        : "object";
    default:
      return "anything";
  }
}
