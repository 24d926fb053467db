/** The version gate: what a client shall have before it logs in, and the files of a version. */
import { ask, Problem } from "./http.ts";

/** This library's version, as `GET /v1/resources` and `Identify` are told. */
export const VERSION = "0.1.0";

/** A file of a version, and the addresses where it is: any will do, the first is the best. */
export interface ResourceFile {
  path: string;
  /** Of its content, 64 hexadecimal digits. */
  sha256: string;
  /** In bytes. */
  size: number;
  content_type: string;
  urls: string[];
}

/** What the server says about a version. */
export type Resources =
  /** Nothing to do. */
  | { status: "current" }
  /** There is a newer one; the client at hand is still let in. */
  | { status: "update"; version: string; minimum: string; files: ResourceFile[] }
  /** The client at hand is not let in any more; the message is for people. */
  | { status: "outdated"; message: string };

/** Asks the edge at `base` whether `version` is what a client shall have; without one, for all files. */
export async function checkResources(base: string, version?: string): Promise<Resources> {
  const query = version === undefined ? "" : `?version=${encodeURIComponent(version)}`;
  try {
    return await ask<Resources>(`${base}/v1/resources${query}`);
  } catch (error) {
    if (error instanceof Problem && error.code === "client_outdated") {
      return { status: "outdated", message: error.message };
    }
    throw error;
  }
}

/** Fetches a file from the first of its addresses that has it whole; relative ones are below `base`. */
export async function fetchResource(base: string, file: ResourceFile): Promise<Uint8Array> {
  let last: Problem | undefined;
  for (const url of file.urls) {
    const response = await fetch(url.startsWith("/") ? `${base}${url}` : url).catch(() => undefined);
    if (!response?.ok) {
      const status = response?.status ?? 0;
      last = new Problem(status, status ? `http_${status}` : "unreachable", `${file.path} cannot be fetched.`);
      continue;
    }
    const content = await response.arrayBuffer().catch(() => undefined);
    if (content && (await sha256(content)) === file.sha256) return new Uint8Array(content);
    last = new Problem(response.status, "damaged", `${file.path} did not arrive as it was sent.`);
  }
  throw last ?? new Problem(0, "unreachable", `${file.path} is nowhere.`);
}

async function sha256(content: ArrayBuffer): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
