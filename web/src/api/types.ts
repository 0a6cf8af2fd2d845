/** What the API sends; shapes of reign/engine/views.py and reign/engine/preview.py. Times are seconds since 1970. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type TaskState =
  | "pending"
  | "awaiting_approval"
  | "ready"
  | "blocked"
  | "running"
  | "expanded"
  | "succeeded"
  | "failed"
  | "skipped"
  | "cancelled"
  | "needs_attention";

export type RunState =
  "queued" | "running" | "paused" | "cancelling" | "succeeded" | "failed" | "cancelled" | "needs_attention";

export type Undo = "exact" | "compensating" | "none" | "unneeded";
export type Effect = "read" | "change" | "destroy";

export interface PlanTask {
  id: string;
  uses: string;
  with: Record<string, Json>;
  needs: string[];
  name?: string;
  if?: string | boolean;
  for_each?: Json;
  retry?: Json;
  timeout?: number;
  on_failure?: string;
  approval?: "required";
  locks?: string[];
  undo_of?: { run: string; task: string };
  effect: Effect;
  undo: Undo;
  undo_note: string;
  asks: string | null;
  refuses: string | null;
  policy?: { decision: string; rule: string; reason: string; also: string[]; by_name: boolean };
  preview?: { diff: string | null; not_previewed: string | null };
  pins?: Record<string, Json>;
  proposed_by?: "model";
}

/** A check that is put before risky tasks. */
export interface Gate extends PlanTask {
  before: string[];
}

export interface Finding {
  task: string;
  id?: string;
  rule: string;
  severity: string;
  place: string;
  message: string;
  remedy: string | null;
  waived: { reason?: string } | null;
}

/** What memory says of a task. */
export interface Advice {
  estimate?: string | null;
  notes?: string[];
}

export interface Repair {
  run: string;
  proposed: boolean;
  failures: { task: string; message: string; proposal: string | null; source: string | null }[];
  diff: { task: string; kind: string; path: string; before: Json; after: Json }[];
  plan: PlanPreview | null;
  risks: string[];
  safe: boolean;
  digest: string | null;
  why_not: string | null;
}

export interface Resource {
  address: string;
  environment: string;
  exists: boolean;
  state: Record<string, Json>;
  facts: Record<string, Json>;
  run: string;
  task: string;
  uses: string;
  changed_at: number;
  standing: string | null;
  drifted: boolean;
  looked_at: number | null;
}

export interface Versions {
  address: string;
  environment: string;
  versions: {
    version: number;
    kind: string;
    run: string;
    task: string;
    by: string | null;
    at: number;
    differences: { path: string; before: Json; after: Json }[];
  }[];
}

export interface UndoCoverage {
  exact: string[];
  compensating: string[];
  none: string[];
  unneeded: string[];
  summary: string;
}

export interface Note {
  start: number;
  end: number;
  text: string;
  meaning: string;
}

export interface PlanPreview {
  name: string;
  description: string | null;
  environment: string;
  params: Record<string, Json>;
  on_failure: string;
  digest: string;
  tasks: PlanTask[];
  levels: string[][];
  undo: UndoCoverage;
  source?: string;
  explanation?: Note[];
  warnings?: string[];
  gates?: Gate[];
  findings?: Finding[];
  memory?: Record<string, Advice>;
  expected_seconds?: number | null;
  similar?: { text: string; ok: boolean; at: number; run: string }[];
}

export interface RunSummary {
  name: string;
  kind: string;
  state: RunState;
  plan: string;
  digest: string;
  environment: string;
  request: string | null;
  source: string;
  requested_by: string;
  cause: string | null;
  rolled_back_by: string | null;
  task_count: number;
  tasks_by_state: Partial<Record<TaskState, number>>;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
}

export interface TaskError {
  message: string;
  kind?: string;
  hint?: string | null;
  retryable?: boolean;
  details?: Json;
}

export interface RunTask {
  id: string;
  uses: string;
  state: TaskState;
  with: Record<string, Json>;
  needs: string[];
  attempts: number;
  worker: string | null;
  approval: string | null;
  result: Json;
  error: TaskError | null;
  not_before: number | null;
  started_at: number | null;
  ended_at: number | null;
}

export interface Change {
  task: string;
  resource: string;
  kind: string;
  at: number;
}

export interface RunDetail extends RunSummary {
  workdir: string;
  tasks: RunTask[];
  waits_for: string[];
  changes: Change[];
}

export interface RunEvent {
  id: number;
  task: string | null;
  kind: string;
  data: Record<string, Json> | null;
  at: number;
}

export interface LogLine {
  id: number;
  task: string;
  attempt: number;
  at: number;
  stream: string;
  text: string;
}

export interface LogPage {
  run: string;
  state: RunState;
  lines: LogLine[];
}

export interface RollbackPreview {
  plan: PlanPreview | null;
  impossible: Record<string, string>;
}

export interface Pool {
  agent: string;
  workers: number;
  waiting: number | null;
}

export interface HeldLock {
  resource: string;
  run: string;
  task: string;
  since: number;
  waiting: string[];
}

export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: Json;
  enum?: Json[];
  const?: Json;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: boolean | JsonSchema;
  required?: string[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
}

export interface Operation {
  name: string;
  agent: string;
  summary: string;
  undo: Undo;
  undo_note: string;
  effect: Effect;
  timeout: number;
  inputs: JsonSchema;
  result: JsonSchema;
}

export interface Schedule {
  name: string;
  spec: string;
  timezone: string;
  action: string;
  paused: boolean;
  next_due: number | null;
  created_by: string;
  what: string;
  environment: string | null;
}

/** What the page needs to know of the installation that serves it (GET /web/about). */
export interface About {
  version: string;
  environment: string;
  workdir: string;
  user: string;
  flower: string | null;
  token: boolean;
}
