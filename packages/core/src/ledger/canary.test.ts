import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { openShop, shopPolicy } from "../../test/shop.ts";
import { handClock } from "../../test/hand-clock.ts";
import type { HeedEvents } from "../event-hub.ts";
import { createHeed } from "../heed.ts";
import { ephemeralKeys } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";

const address = "canary.anna@canary-domain.example";
const parts = ["canary.anna", "canary-domain", "+46700000042", "canary-account", "canary-evidence"];
const everything = { email: address, phone: "+46 70 000 00 42", accountId: "canary-account-1" };
const evidence = { form: "canary-evidence: typed by Canary Anna" };
const minuteMs = 60_000;

/** Every event's name: a new one must be added here, or this does not compile. */
const eventNames = Object.keys({
  "choice.recorded": 1,
  "request.opened": 1,
  "request.changed": 1,
  "step.settled": 1,
  "farewell.ended": 1,
  "webhook.received": 1,
  "message.reported": 1,
  "hold.placed": 1,
  "hold.released": 1,
  "work.failed": 1,
} satisfies Record<keyof HeedEvents, 1>) as (keyof HeedEvents)[];

type Shop = ReturnType<typeof openShop>;

/** Everything that heed does for one person, up to and without an erasure. */
async function liveThrough(shop: Shop): Promise<void> {
  const { heed, clock } = shop;
  const subject = everything;
  await heed.subjects.record({ subject, identityVerified: true });
  await heed.consent.give({ subject, purpose: "news", evidence, method: "checkbox" });
  await heed.subscriptions.subscribe({ subject, topic: "offers", evidence, id: "e1" });
  const permit = await heed.permits.take({ topic: "offers", email: address, messageKey: `to ${address}` });
  if (!permit.allowed || permit.unsubscribeToken === undefined) throw new Error("no permit");
  await permit.handOver();
  clock.advance(minuteMs);
  await heed.links.unsubscribe({ token: permit.unsubscribeToken, scope: "topic" });
  await permit.settle("accepted");
  const tag = permit.returnTag ?? "";
  for (const kind of ["soft", "policy", "complaint"] as const)
    await heed.messages.report({ tag, kind, recipient: address });
  await heed.permits.take({ topic: "receipts", email: address, messageKey: "m2" });
  clock.advance(minuteMs);
  await heed.subscriptions.unsubscribe({ subject, topic: "all" });
  await heed.requests.open({ right: "withdrawal", subject, identity: "signed-in", purpose: "tips" });
  await heed.work.drain();
  await heed.requests.preview({ right: "erasure", subject });
  clock.advance(minuteMs);
}

describe("an address", () => {
  it("lies in no clear column, and in no sealed one as text", async () => {
    const shop = openShop();
    await liveThrough(shop);
    for (const part of parts) expect(await shop.placesOf(part)).toEqual([]);
    const { id } = await shop.heed.requests.open({
      right: "erasure",
      subject: everything,
      identity: "signed-in",
    });
    await shop.heed.subscriptions.subscribe({ subject: everything, topic: "events", evidence });
    for (const part of parts) expect(await shop.placesOf(part)).toEqual([]);
    await shop.heed.work.drain();
    expect((await shop.heed.requests.get(id)).state).toBe("fulfilled");
    for (const part of parts) expect(await shop.placesOf(part)).toEqual([]);
  });

  it("would be found by the search if it lay there", async () => {
    const shop = openShop();
    await liveThrough(shop);
    expect(await shop.placesOf("PRODUCT-NEWS")).toContain("steps.input");
    const [identifier] = await shop.rows("identifiers");
    const sealed = Buffer.from(identifier?.sealed ?? []).toString("latin1");
    expect(await shop.placesOf(sealed.slice(5, 15))).toEqual(["identifiers.sealed"]);
  });

  it("is in no event that is told, and in no evidence", async () => {
    const shop = openShop();
    const told: unknown[] = [];
    for (const name of eventNames) shop.heed.on(name, (event) => told.push(name, event));
    await liveThrough(shop);
    const request = await shop.erase(everything);
    const proof = await shop.heed.requests.evidence(request.id);
    const receipt = await shop.heed.requests.receipt(request.id);
    expect(receipt.entries).toHaveLength(proof.length);
    expect(told).toContain("step.settled");
    expect(proof.map(({ entry }) => entry.kind)).toContain("request.closed");
    const seen = inspect([told, proof, receipt, request], { depth: Infinity }).toLowerCase();
    for (const part of parts) expect(seen).not.toContain(part.toLowerCase());
  });

  it("leaves no key behind that could open anything sealed, after an erasure", async () => {
    const shop = openShop();
    await liveThrough(shop);
    await shop.erase(everything);
    for (const table of ["subjects", "identifiers", "dataKeys", "permits", "parked"] as const)
      expect(await shop.rows(table)).toEqual([]);
    const events = await shop.rows("events");
    expect(events.length).toBeGreaterThan(0);
    for (const event of events) expect(event.sealed).toBeNull();
    for (const reference of await shop.rows("references"))
      expect(reference).toMatchObject({ subjectId: null, address: null });
  });
});

describe("an error", () => {
  const subject = { email: address };
  const wrong = (value: unknown) => value as never;
  const unreadable = [
    `${address}, second@example.org`,
    `Canary Anna <${address}>`,
    '"canary.anna"@canary-domain.example',
    `${address}\r\nBcc: x@example.org`,
    "canary.anna@canary-domain",
    "canary.anna.canary-domain.example",
    `${"canary.anna".repeat(6)}@canary-domain.example`,
    `${address}.`,
  ];
  const give = { subject, purpose: "news", evidence } as const;
  const calls: Record<string, (heed: Shop["heed"]) => Promise<unknown>> = {
    "a phone number": (heed) => heed.subjects.record({ subject: { phone: "canary.anna 0700000042" } }),
    "an account": (heed) => heed.subjects.record({ subject: { accountId: "canary.anna".repeat(40) } }),
    "what is no string": (heed) => heed.subjects.record({ subject: wrong({ email: { canary: address } }) }),
    "a kind": (heed) => heed.subjects.record({ subject: wrong({ [address]: "1" }) }),
    "a topic": (heed) => heed.subscriptions.unsubscribe({ subject, topic: wrong(address) }),
    "a purpose": (heed) => heed.consent.withdraw({ subject, purpose: wrong(address) }),
    "a claimed time": (heed) => heed.consent.withdraw({ subject, purpose: "news", at: address }),
    "an event id": (heed) => heed.consent.withdraw({ subject, purpose: "news", id: address }),
    "a method": (heed) => heed.consent.withdraw({ subject, purpose: "news", method: address }),
    evidence: (heed) => heed.consent.give({ ...give, evidence: wrong(address) }),
    "an end of validity": (heed) => heed.consent.give({ ...give, until: address }),
    "an identity": (heed) => heed.requests.open({ right: "erasure", subject, identity: wrong(address) }),
    "a right": (heed) => heed.requests.open({ right: wrong(address), subject, identity: "signed-in" }),
    "a request id": (heed) => heed.requests.get(address),
    "a request id to change": (heed) => heed.requests.verify({ id: address, identity: "signed-in" }),
    "a token": (heed) => heed.links.unsubscribe({ token: address, scope: "topic" }),
    "a message's address": (heed) =>
      heed.permits.take({ topic: "offers", email: "canary.anna@", messageKey: "m" }),
    "a message key": (heed) =>
      heed.permits.take({ topic: "offers", email: address, messageKey: wrong({ address }) }),
    "an address to check": (heed) => heed.suppression.check({ email: "canary.anna@" }),
    "two people": async (heed) => {
      await heed.subjects.record({ subject });
      await heed.subjects.record({ subject: { accountId: "canary-account-1" } });
      return heed.subscriptions.subscribe({ subject: everything, topic: "events", evidence });
    },
  };
  for (const email of unreadable)
    calls[`an address such as ${JSON.stringify(email).slice(0, 60)}`] = (heed) =>
      heed.subjects.record({ subject: { email } });

  it.each(Object.entries(calls))("never quotes %s", async (_what, call) => {
    const error: unknown = await call(openShop().heed).then(
      () => expect.fail("it went through"),
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: expect.any(String) as string });
    const seen = inspect({ error, ...(error as object) }, { depth: Infinity, showHidden: true });
    expect(seen.replaceAll(/^ +at .*$/gm, "")).not.toMatch(/canary/i);
  });

  it("of an adapter that quotes an address is told to nobody but the listener of failures", async () => {
    const clock = handClock();
    const storage = memory();
    const { crm } = openShop();
    const { erase } = crm.processor.operations;
    if (erase === undefined) throw new Error("no erase");
    const heed = createHeed({
      policy: shopPolicy,
      storage,
      keys: ephemeralKeys(),
      clock,
      processors: {
        crm: {
          ...crm.processor,
          operations: {
            ...crm.processor.operations,
            erase: { ...erase, run: () => Promise.reject(new Error(`no contact ${address}`)) },
          },
        },
      },
    });
    const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await heed.work.drain();
    const view = await heed.requests.get(id);
    expect(view.steps.find((step) => step.operation === "erase" && step.processor === "crm")).toMatchObject({
      because: "adapter-failed",
    });
    const seen = inspect([view, await heed.requests.evidence(id)], { depth: Infinity });
    expect(seen).not.toContain("canary");
  });
});
