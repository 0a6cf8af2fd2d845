import type { RunSummary } from "../api/types";

export interface Filter {
  text: string;
  state: string;
  environment: string;
}

/** Runs whose name, plan, request or requester have all the words, in that state and environment ("" is any). */
export function matching(runs: readonly RunSummary[], filter: Filter): RunSummary[] {
  const wanted = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  return runs.filter((run) => {
    if (filter.state && run.state !== filter.state) return false;
    if (filter.environment && run.environment !== filter.environment) return false;
    const text = `${run.name} ${run.plan} ${run.request ?? ""} ${run.requested_by} ${run.kind}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}
