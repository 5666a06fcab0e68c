import { describe, expect, it } from "vitest";
import {
  carryOut,
  failureOf,
  type HubspotCall,
  openScene,
  questionsOf,
  type Scene,
  unsubscribeCall,
  withTargets,
} from "../test/scene.ts";
import { allScopes } from "./testing/options.ts";

const enterprise = { tier: "enterprise" } as const;
const people = Array.from({ length: 100 }, (_, at) => `p${at}@example.org`);

/** A hundred people who get the news, and calls that end it for each. */
function crowd({ portal }: Scene, topics: "all" | readonly string[] = ["product-news"]) {
  return people.map((email, at) => {
    portal.addContact({ email });
    portal.choose(email, "4711", "SUBSCRIBED");
    return unsubscribeCall(`c${at}`, { email }, topics);
  });
}

async function resolved(scene: Scene, calls: readonly HubspotCall<"unsubscribe">[]) {
  const found = await questionsOf(scene, "unsubscribe").resolve(calls);
  return calls.map((call) => withTargets(call, found.get(call.id)?.targets ?? []));
}

const statusesOf = (scene: Scene) => new Set(people.map((email) => scene.portal.status(email, "4711")));
const seenIn = (findings: ReadonlyMap<string, { seen: string }>) =>
  new Set([...findings.values()].map(({ seen }) => seen));
const single = /POST \S+\/statuses\/:email/;
const oneBrand = { definitions: [{ id: "4711" }, { id: "4712" }] };

describe("a hundred opt-outs at an Enterprise account", () => {
  it.each([["product-news"], "all"] as const)(
    "take three calls: to find, to do, to read back (%s)",
    async (asked) => {
      const scene = await openScene(
        { ...enterprise, ...oneBrand },
        { topics: { "product-news": { subscriptionId: "4711" }, events: { subscriptionId: "4712" } } },
      );
      const topics = asked === "all" ? asked : [asked].flat();
      const calls = await resolved(scene, crowd(scene, topics));
      const { run, verify } = questionsOf(scene, "unsubscribe");
      const outcomes = await run(calls);
      scene.pass(30_000);
      const findings = await verify(calls);
      expect(seenIn(findings)).toEqual(new Set(["as-asked"]));
      expect(statusesOf(scene)).toEqual(new Set(["UNSUBSCRIBED"]));
      expect(new Set([...outcomes.values()].map(({ status }) => status))).toEqual(new Set(["done"]));
      // Which brands there are is asked once.
      expect(scene.portal.calls.filter(({ route }) => !route.includes("definitions"))).toHaveLength(3);
      expect(scene.portal.countCalls("definitions")).toBe(asked === "all" ? 1 : 0);
    },
  );

  it("go brand by brand where there are several, and each is read back by address", async () => {
    const scene = await openScene(enterprise);
    const calls = await resolved(scene, crowd(scene, "all"));
    const { run, verify } = questionsOf(scene, "unsubscribe");
    await run(calls);
    expect(scene.portal.countCalls("batch/unsubscribe-all")).toBe(2);
    for (const email of people)
      for (const brand of ["0", "7"]) expect(scene.portal.isOptedOutOfAll(email, brand)).toBe(true);
    scene.pass(30_000);
    expect(seenIn(await verify(calls))).toEqual(new Set(["as-asked"]));
    expect(scene.portal.countCalls("batch/unsubscribe-all/read")).toBe(2);
    expect(scene.portal.countCalls(/:email/)).toBe(0);
  });

  it.each([200, 207] as const)("give each its own answer where some are refused with %i", async (status) => {
    const refused = people.slice(3, 5);
    const scene = await openScene({
      ...enterprise,
      preferenceBatchPartial: status,
    });
    for (const email of refused) scene.portal.refuse(email);
    const calls = await resolved(scene, crowd(scene));
    const outcomes = await questionsOf(scene, "unsubscribe").run(calls);
    const failed = [...outcomes].filter(([, outcome]) => outcome.status === "failed").map(([id]) => id);
    expect(failed.toSorted()).toEqual(["c3", "c4"]);
    expect(people.filter((email) => scene.portal.status(email, "4711") !== "UNSUBSCRIBED")).toEqual(refused);
    // The two are asked for alone, to hear why.
    expect(scene.portal.countCalls(single)).toBe(2);
  });

  it.each([400, 413] as const)(
    "go in halves where HubSpot takes fewer (%i), and so from then on",
    async (status) => {
      const scene = await openScene({
        ...enterprise,
        preferenceBatchMax: 30,
        preferenceBatchTooLarge: status,
      });
      const calls = await resolved(scene, crowd(scene));
      const { run } = questionsOf(scene, "unsubscribe");
      await run(calls);
      expect(statusesOf(scene)).toEqual(new Set(["UNSUBSCRIBED"]));
      expect(scene.portal.countCalls(single)).toBe(0);
      // 100; 50, 25, 25; 50, 25, 25.
      expect(scene.portal.countCalls("batch/write")).toBe(7);
      await run(calls);
      expect(scene.portal.countCalls("batch/write")).toBe(7 + 4);
    },
  );

  it("do not believe an answer that confirms others, or another state", async () => {
    const scene = await openScene(enterprise);
    const calls = await resolved(scene, crowd(scene));
    const row = (email: string, status: string) => ({
      subscriberIdString: email,
      subscriptionId: 4711,
      status,
    });
    const results = [
      row("stranger@example.org", "UNSUBSCRIBED"),
      row(people[0] ?? "", "SUBSCRIBED"),
      { ...row(people[1] ?? "", "UNSUBSCRIBED"), subscriptionId: 9 },
    ];
    scene.portal.inject({ path: "batch/write", fault: { status: 200, body: { results } } });
    const outcomes = await questionsOf(scene, "unsubscribe").run(calls);
    expect(scene.portal.countCalls(single)).toBe(100);
    expect(outcomes.size).toBe(100);
    expect(statusesOf(scene)).toEqual(new Set(["UNSUBSCRIBED"]));
  });

  it("are all unknown when the connection breaks after the effect, and read back as done", async () => {
    const scene = await openScene(enterprise);
    const calls = await resolved(scene, crowd(scene));
    const { run, verify } = questionsOf(scene, "unsubscribe");
    scene.portal.inject({ path: "batch/write", fault: "drop", afterEffect: true });
    expect(await failureOf(run(calls))).toMatchObject({ name: "UnavailableError" });
    expect(statusesOf(scene)).toEqual(new Set(["UNSUBSCRIBED"]));
    // The contacts do not show it yet: asked by address, by the hundred.
    expect(seenIn(await verify(calls))).toEqual(new Set(["as-asked"]));
    expect(scene.portal.countCalls("batch/read")).toBe(3);
    expect(scene.portal.countCalls(/:email/)).toBe(0);
  });

  it("say nothing about an address that the batch leaves out when it is read back, but ask again", async () => {
    const scene = await openScene(enterprise);
    const calls = (await resolved(scene, crowd(scene))).slice(0, 2);
    const { run, verify } = questionsOf(scene, "unsubscribe");
    await run(calls);
    scene.portal.inject({ path: "statuses/batch/read", fault: { status: 200, body: { results: [] } } });
    expect(seenIn(await verify(calls))).toEqual(new Set(["as-asked"]));
    expect(scene.portal.countCalls("GET /communication-preferences/:version/statuses/:email")).toBe(2);
  });
});

describe("a hundred opt-outs at an account without batches", () => {
  it.each([
    ["of a smaller tier", {}],
    [
      "whose token lacks the scope",
      { ...enterprise, scopes: allScopes.filter((scope) => !scope.includes("batch")) },
    ],
  ] as const)(
    "%s go one by one after the first 403, and are read back by the hundred",
    async (_, portalOptions) => {
      const scene = await openScene(portalOptions);
      const calls = await resolved(scene, crowd(scene));
      const { run, verify } = questionsOf(scene, "unsubscribe");
      await run(calls);
      scene.pass(30_000);
      expect(seenIn(await verify(calls))).toEqual(new Set(["as-asked"]));
      expect(statusesOf(scene)).toEqual(new Set(["UNSUBSCRIBED"]));
      expect(scene.portal.countCalls("batch/write")).toBe(1);
      expect(scene.portal.countCalls(single)).toBe(100);
      // One read to find, and one to read back.
      expect(scene.portal.countCalls("contacts/batch/read")).toBe(2);
      expect(scene.portal.countCalls("GET ")).toBe(0);

      await run(calls);
      expect(scene.portal.countCalls("batch/write")).toBe(1);
      scene.pass(3_600_000);
      await run(calls);
      expect(scene.portal.countCalls("batch/write")).toBe(2);
    },
  );

  it("go one by one wherever batches are forbidden, and are refused where everything is", async () => {
    const scene = await openScene(enterprise);
    const calls = (await resolved(scene, crowd(scene))).slice(0, 2);
    const forbidden = { status: 403, body: { status: "error", message: "Not for this account." } };
    scene.portal.inject({ path: "/batch/", fault: forbidden });
    await questionsOf(scene, "unsubscribe").run(calls);
    expect(scene.portal.countCalls(single)).toBe(2);
    scene.portal.inject({ path: "/statuses/", times: 10, fault: forbidden });
    expect(await failureOf(questionsOf(scene, "unsubscribe").run(calls))).toMatchObject({
      code: "forbidden",
    });
  });

  it("are asked for by address where the contacts do not show them, and then only a no is one", async () => {
    const scene = await openScene({ optOutPropertyDelayMs: 86_400_000 });
    const calls = (await resolved(scene, crowd(scene))).slice(0, 3);
    const { run, verify } = questionsOf(scene, "unsubscribe");
    await run(calls);
    scene.pass(30_000);
    expect(seenIn(await verify(calls))).toEqual(new Set(["as-asked"]));
    expect(scene.portal.countCalls("GET /communication-preferences/:version/statuses/:email")).toBe(3);
    scene.portal.choose(people[0] ?? "", "4711", "SUBSCRIBED");
    expect((await verify(calls)).get("c0")).toEqual({ seen: "not-as-asked" });
  });

  it("count a secondary address as opted out only where that was read by itself", async () => {
    const scene = await openScene({ optOutPropertyDelayMs: 0 });
    scene.portal.addContact({ email: "anna@example.org", additionalEmails: ["anna.b@example.net"] });
    const [call] = await resolved(scene, [unsubscribeCall("a", { email: "anna@example.org" })]);
    if (call === undefined) throw new TypeError("There is one call.");
    scene.portal.choose("anna@example.org", "4711", "UNSUBSCRIBED");
    const { verify } = questionsOf(scene, "unsubscribe");
    expect((await verify([call])).get("a")).toEqual({ seen: "not-as-asked" });
    scene.portal.choose("anna.b@example.net", "4711", "UNSUBSCRIBED");
    expect((await verify([call])).get("a")).toEqual({ seen: "as-asked" });
  });

  it("read an opt-out from everything in the contact only where the account has one brand", async () => {
    const scene = await openScene({ optOutPropertyDelayMs: 0 });
    scene.portal.addContact({ email: "anna@example.org" });
    scene.portal.optOutOfAll("anna@example.org");
    const calls = await resolved(scene, [unsubscribeCall("a", { email: "anna@example.org" }, "all")]);
    const { verify } = questionsOf(scene, "unsubscribe");
    // The account's own brand is opted out of, the other one is not.
    expect((await verify(calls)).get("a")).toEqual({ seen: "not-as-asked" });
    scene.portal.optOutOfAll("anna@example.org", "7");
    expect((await verify(calls)).get("a")).toEqual({ seen: "as-asked" });
  });
});

describe("who is found for an opt-out", () => {
  it("is looked for in the archive only where no contact is live", async () => {
    const scene = await openScene();
    scene.portal.addContact({
      email: "anna@example.org",
      additionalEmails: ["anna.b@example.net"],
      archived: true,
    });
    const calls = [unsubscribeCall("a", { email: "anna@example.org" })];
    const { findings } = await carryOut(scene, "unsubscribe", calls);
    expect(findings.get("a")).toEqual({ seen: "as-asked" });
    expect(scene.portal.status("anna.b@example.net", "4711")).toBe("UNSUBSCRIBED");
    const live = await openScene();
    live.portal.addContact({ email: "anna@example.org" });
    await questionsOf(live, "unsubscribe").resolve(calls);
    expect(live.portal.calls).toHaveLength(1);
  });
});
