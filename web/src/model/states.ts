import type { RunState, TaskState } from "../api/types";

export type Tone = "idle" | "wait" | "go" | "good" | "bad" | "ask" | "off";

/** How a state is shown: a tone for its colour, and a mark and words for those who do not see the colour. */
export interface Look {
  tone: Tone;
  mark: string;
  words: string;
}

export const LOOKS: Record<TaskState | RunState, Look> = {
  pending: { tone: "idle", mark: "○", words: "waiting" },
  ready: { tone: "wait", mark: "◔", words: "ready" },
  queued: { tone: "wait", mark: "◔", words: "queued" },
  blocked: { tone: "ask", mark: "⧗", words: "waits for a lock" },
  awaiting_approval: { tone: "ask", mark: "?", words: "waits for a yes" },
  running: { tone: "go", mark: "▶", words: "running" },
  expanded: { tone: "go", mark: "⋮", words: "one by one" },
  succeeded: { tone: "good", mark: "✓", words: "succeeded" },
  failed: { tone: "bad", mark: "✕", words: "failed" },
  skipped: { tone: "off", mark: "↷", words: "skipped" },
  cancelled: { tone: "off", mark: "⊘", words: "cancelled" },
  cancelling: { tone: "off", mark: "⊘", words: "being cancelled" },
  paused: { tone: "ask", mark: "Ⅱ", words: "paused" },
  needs_attention: { tone: "bad", mark: "!", words: "needs attention" },
};

const UNKNOWN: Look = { tone: "idle", mark: "·", words: "" };

export function look(state: string): Look {
  return (LOOKS as Partial<Record<string, Look>>)[state] ?? { ...UNKNOWN, words: state.replaceAll("_", " ") };
}

/** Most urgent first: the order in which a heap of tasks is summed up. */
export const TASK_ORDER: TaskState[] = [
  "failed",
  "needs_attention",
  "awaiting_approval",
  "blocked",
  "running",
  "expanded",
  "succeeded",
  "ready",
  "skipped",
  "cancelled",
  "pending",
];

const ENDED: ReadonlySet<string> = new Set(["succeeded", "failed", "cancelled"]);

export function runEnded(state: string): boolean {
  return ENDED.has(state);
}

export type Verb = "cancel" | "pause" | "resume" | "retry" | "rollback";

/** What may be done to a run in this state (docs/state_machine.md); a rollback may itself be taken back. */
export function verbs(state: RunState, rolledBack: boolean): Verb[] {
  switch (state) {
    case "queued":
    case "running":
      return ["pause", "cancel"];
    case "paused":
      return ["resume", "cancel"];
    case "needs_attention":
      return rolledBack ? ["cancel"] : ["cancel", "rollback"];
    case "failed":
    case "cancelled":
      return rolledBack ? ["retry"] : ["retry", "rollback"];
    case "succeeded":
      return rolledBack ? [] : ["rollback"];
    case "cancelling":
      return [];
  }
}
