import type { Json, Note, PlanPreview, PlanTask } from "../api/types";

/** Whether a text is a plan file (it has `tasks:` at the start of a line, or is a JSON object) and not words. */
export function isPlanFile(text: string): boolean {
  return /^tasks\s*:/m.test(text) || /^["']tasks["']\s*:/m.test(text) || /^\s*\{[\s\S]*["']tasks["']\s*:/.test(text);
}

const ABOUT = new Set([
  "id",
  "effect",
  "undo",
  "undo_note",
  "asks",
  "refuses",
  "policy",
  "preview",
  "pins",
  "proposed_by",
]);

/** The plan of a preview as a plan file has it, so that what was shown is what runs, however the planner came to it. */
export function planOf(preview: PlanPreview): Record<string, Json> {
  const tasks: Record<string, Json> = {};
  for (const task of preview.tasks) {
    tasks[task.id] = Object.fromEntries(
      Object.entries(task).filter(([key, value]) => !ABOUT.has(key) && value !== undefined),
    );
  }
  return {
    name: preview.name,
    environment: preview.environment,
    ...(preview.description ? { description: preview.description } : {}),
    ...(Object.keys(preview.params).length ? { params: preview.params } : {}),
    on_failure: preview.on_failure,
    tasks,
  };
}

/** What ties a plan to the clusters and accounts that were meant when it was shown, by task. */
export function pinsOf(preview: PlanPreview): Record<string, Record<string, Json>> | null {
  const pinned = preview.tasks.flatMap((task) => (task.pins ? [[task.id, task.pins] as const] : []));
  return pinned.length ? Object.fromEntries(pinned) : null;
}

/** The tasks of a plan with the gates that stand before some of them. */
export function gatedTasks(preview: PlanPreview): PlanTask[] {
  const gates = preview.gates ?? [];
  if (!gates.length) return preview.tasks;
  return [
    ...gates,
    ...preview.tasks.map((task) => ({
      ...task,
      needs: [...task.needs, ...gates.filter((gate) => gate.before.includes(task.id)).map((gate) => gate.id)],
    })),
  ];
}

export function asks(task: PlanTask): boolean {
  return task.asks !== null || task.approval === "required" || task.policy?.by_name === true;
}

/** A choice that was clicked, worked into the request: a whole sentence takes its place, a word or two is added. */
export function answered(request: string, choice: string): string {
  return choice.trim().split(/\s+/).length > 2
    ? choice.trim()
    : `${request.trim().replace(/[.,;]$/, "")}, ${choice.trim()}`;
}

export interface Piece {
  text: string;
  meaning: string | null;
}

/** The request cut where its words got a meaning. Notes that overlap an earlier one are left out. */
export function pieces(request: string, notes: readonly Note[]): Piece[] {
  const letters = Array.from(request); // the API counts characters, not UTF-16 units
  const found: Piece[] = [];
  let at = 0;
  for (const note of [...notes].sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (note.start < at || note.end <= note.start) continue;
    if (note.start > at) found.push({ text: letters.slice(at, note.start).join(""), meaning: null });
    found.push({ text: letters.slice(note.start, note.end).join(""), meaning: note.meaning });
    at = note.end;
  }
  if (at < letters.length) found.push({ text: letters.slice(at).join(""), meaning: null });
  return found;
}

/** What stands below a word: the operation, or only the input's name where the operation was named by another word. */
export function gloss(meaning: string): string {
  return meaning.replace(/^\S+\.\S+ (?=\S)/, "");
}

/** `NAME=VALUE` lines as the parameters of a plan; values are JSON where they can be, else text. Throws on a bad line. */
export function params(text: string): Record<string, Json> {
  const found: Record<string, Json> = {};
  for (const line of text.split("\n").map((part) => part.trim())) {
    if (!line) continue;
    const [, name, value] = /^([A-Za-z_][\w-]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`${JSON.stringify(line)} is not NAME=VALUE`);
    try {
      found[name] = JSON.parse(value) as Json;
    } catch {
      found[name] = value;
    }
  }
  return found;
}
