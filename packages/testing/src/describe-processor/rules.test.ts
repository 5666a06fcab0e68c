import { afterEach, beforeEach, expect, it } from "vitest";
import { changingLists, cutAfter, cutBefore, hangs, onlyAt, Recording, stalls } from "./rules.ts";
import { openWire, type Rule, type Wire } from "./wire.ts";

let wire: Wire;
let baseUrl: string;
/** What reached the vendor. */
let reached: string[];

beforeEach(async () => {
  reached = [];
  wire = openWire();
  baseUrl = await wire.between(async (request) => {
    reached.push(`${request.method} ${new URL(request.url).pathname} ${await request.text()}`);
    return Response.json(
      { results: [{ id: reached.length }, { id: 9 }] },
      { headers: { "x-vendor": "yes" } },
    );
  });
});
afterEach(() => wire.close());

const post = (path = "/a", withinMs = 10_000) =>
  fetch(baseUrl + path, { method: "POST", body: "b", signal: AbortSignal.timeout(withinMs) });

it("lets pass what meets no rule, unchanged", async () => {
  const response = await post("/a%2Fb");
  expect([response.status, response.headers.get("x-vendor")]).toEqual([200, "yes"]);
  expect(reached).toEqual(["POST /a%2Fb b"]);
  expect(wire.requests).toEqual([{ method: "POST", path: "/a%2Fb", body: "b" }]);
});

it.each<[string, Rule, string, number]>([
  ["cuts before the vendor has it", cutBefore, "TypeError", 0],
  ["cuts after the vendor had it", cutAfter, "TypeError", 1],
  ["hangs before the vendor has it", hangs, "TimeoutError", 0],
  ["hangs after the vendor had it", stalls, "TimeoutError", 1],
])("%s", async (_, rule, error, count) => {
  wire.meet(rule);
  await expect(post("/a", error === "TimeoutError" ? 300 : 10_000)).rejects.toMatchObject({ name: error });
  expect(reached).toHaveLength(count);
  wire.heal();
  expect((await post()).status).toBe(200);
});

it("strikes one request of those that it concerns", async () => {
  wire.meet(onlyAt(1, cutBefore, ({ path }) => path === "/struck"));
  await post("/struck");
  await post("/other");
  await expect(post("/struck")).rejects.toThrow(TypeError);
  await post("/struck");
  expect(reached).toHaveLength(3);
});

it("answers again what was answered, without the vendor", async () => {
  const recording = new Recording(({ path }) => path === "/write");
  wire.meet(recording.record);
  const honest = await (await post("/write")).text();
  wire.meet(recording.replay("as the next"));
  expect(await (await post("/write")).text()).toBe(honest);
  await post("/read");
  expect(reached).toEqual(["POST /write b", "POST /read b"]);
});

it("changes lists of records in answers to a body alone", async () => {
  const { rule, hasChanged } = changingLists((records) => records.toReversed(), 207);
  wire.meet(rule);
  await fetch(baseUrl);
  expect(hasChanged()).toBe(false);
  const response = await post();
  expect([response.status, await response.json()]).toEqual([207, { results: [{ id: 9 }, { id: 2 }] }]);
});
