import { get } from "./client";
import type { About } from "./types";

const KEY = "reign.name";

/** The name under which what this browser does is recorded: the one given with the token, or that of the API's user. */
export async function who(): Promise<string> {
  return localStorage.getItem(KEY) ?? (await get<About>("/web/about")).user;
}

/** A key that no other submission has. `crypto.randomUUID` is missing on pages that came by plain HTTP. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
}

export function iAm(name: string): void {
  if (name.trim()) localStorage.setItem(KEY, name.trim().slice(0, 100));
}
