import { answered, refused } from "./link";
import type { Json } from "./types";

/** An answer of the API that is not a success, in the words that the API found for it. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null = null,
    readonly details: Json = null,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** Nothing answered at all. */
  get away(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 504;
  }

  get needsToken(): boolean {
    return this.status === 401;
  }
}

function record(value: unknown): Record<string, Json> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, Json>) : {};
}

function text(value: Json | undefined): string | null {
  return typeof value === "string" ? value : null;
}

/** The error that an answer stands for; bodies that are not the API's own (a proxy's page) give the status. */
export function errorOf(status: number, body: unknown): ApiError {
  const error = record(record(body).error);
  return new ApiError(
    status,
    text(error.code) ?? "http",
    text(error.message) ?? `the API answered with status ${status}`,
    text(error.hint),
    error.details ?? null,
  );
}

const AWAY = new ApiError(0, "away", "the API does not answer", "is `reign up` still running?");

interface Options {
  body?: string;
  headers?: Record<string, string>;
}

async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      cache: "no-store",
      credentials: "same-origin",
      ...options,
      headers: { accept: "application/json", ...options.headers },
    });
  } catch {
    refused(AWAY);
    throw AWAY;
  }
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) {
    const error = errorOf(answer.status, body);
    refused(error);
    throw error;
  }
  answered();
  return body as T;
}

export function get<T>(path: string): Promise<T> {
  return call<T>("GET", path);
}

export function post<T>(path: string, body?: object): Promise<T> {
  return call<T>("POST", path, {
    ...(body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {}),
  });
}

/** Hand the token in once; the answer keeps it in a cookie that scripts cannot read. */
export function signIn(token: string): Promise<unknown> {
  return call("POST", "/session", { headers: { authorization: `Bearer ${token}` } });
}

export function runPath(name: string, rest = ""): string {
  return `/runs/${encodeURIComponent(name)}${rest}`;
}

export function taskPath(run: string, task: string, verb: string): string {
  return runPath(run, `/tasks/${encodeURIComponent(task)}/${verb}`);
}
