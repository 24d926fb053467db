import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

import { afterEach, expect, test } from "vitest";

import { checkResources, fetchResource, type ResourceFile, VERSION } from "../src/resources.ts";
import { refused, serve, type TestServer } from "./server.ts";

let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

test("the version is the package's", () => {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  expect(JSON.parse(manifest).version).toBe(VERSION);
});

test("current, with a version that needs escaping", async () => {
  server = await serve(() => ({ body: { status: "current" } }));
  expect(await checkResources(server.base, "0.1.0+a b")).toEqual({ status: "current" });
  expect(server.asked[0]?.path).toBe("/v1/resources?version=0.1.0%2Ba%20b");
});

test("an update names the files and where they are", async () => {
  const update = { status: "update", version: "0.2.0", minimum: "0.1.0", files: [] };
  server = await serve(() => ({ body: update }));
  expect(await checkResources(server.base)).toEqual(update);
  expect(server.asked[0]?.path).toBe("/v1/resources");
});

test("426 is an answer, everything else a problem", async () => {
  server = await serve(({ path }) =>
    path.endsWith("0.0.1") ? refused(426, "client_outdated", "Too old.") : refused(400, "bad_version"));
  expect(await checkResources(server.base, "0.0.1")).toEqual({ status: "outdated", message: "Too old." });
  await expect(checkResources(server.base, "soon")).rejects.toMatchObject({ status: 400, code: "bad_version" });
  await server.stop();
  await expect(checkResources(server.base)).rejects.toMatchObject({ unreachable: true });
});

test("a file comes from the first address that has it whole", async () => {
  const content = JSON.stringify({ map: 1 });
  server = await serve(({ path }) => {
    if (path === "/gone") return refused(503, "unavailable");
    if (path === "/hang") return { hangUp: true };
    return { body: path === "/damaged" ? { map: 2 } : { map: 1 } };
  });
  const file: ResourceFile = {
    path: "maps/harbor.json",
    sha256: createHash("sha256").update(content).digest("hex"),
    size: content.length,
    content_type: "application/json",
    urls: ["/gone", "/hang", "/damaged", `${server.base}/whole`, "/never"],
  };
  expect(new TextDecoder().decode(await fetchResource(server.base, file))).toBe(content);
  expect(server.of("/never")).toEqual([]);
  await expect(fetchResource(server.base, { ...file, urls: ["/damaged"] })).rejects.toMatchObject({ code: "damaged" });
  await expect(fetchResource(server.base, { ...file, urls: ["/gone"] })).rejects.toMatchObject({ status: 503 });
});
