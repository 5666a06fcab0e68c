import { describe, expect, it } from "vitest";
import { noEvidence, openShop } from "../../test/shop.ts";

const email = "anna@example.org";
const subject = { email };
const dayMs = 86_400_000;
const ask = { right: "inquiry", identity: "unverified", subject } as const;

const tables = ["subjects", "identifiers", "dataKeys", "permits"] as const;

/** What is known of anybody. */
async function known(shop: Pick<ReturnType<typeof openShop>, "rows">): Promise<readonly string[]> {
  const lists = await Promise.all(
    tables.map(async (table) => (await shop.rows(table)).map(() => table as string)),
  );
  return lists.flat();
}

describe("an inquiry", () => {
  it("waits for a human, with the deadline of every request", async () => {
    const { heed, rows, clock } = openShop();
    const receivedAt = "2026-01-10T08:00:00.000Z";
    const opened = await heed.requests.open({ ...ask, receivedAt, about: "access" });
    const like = await heed.requests.open({ right: "erasure", subject, identity: "unverified", receivedAt });
    expect(opened).toMatchObject({ state: "awaiting_manual", dueOn: like.dueOn, changed: true });
    await heed.requests.withdraw(like.id);
    await heed.work.drain();
    expect([await rows("steps"), (await rows("subjects"))[0]?.frozenBy]).toEqual([[], null]);
    const listed = { id: opened.id, right: "inquiry", about: "access", state: "awaiting_manual", receivedAt };
    expect(await heed.requests.list()).toMatchObject([{ ...listed, overdue: false }]);
    expect(await heed.requests.get(opened.id)).toMatchObject({ ...listed, steps: [] });
    clock.advance(60 * dayMs);
    await heed.work.drain();
    expect(await heed.requests.list()).toMatchObject([{ ...listed, overdue: true }]);
    expect((await heed.work.status()).requests).toEqual({ open: 1, overdue: 1 });
    const evidence = await heed.requests.evidence(opened.id);
    expect(evidence.map(({ entry }) => entry)).toMatchObject([
      { kind: "request.opened", right: "inquiry", identity: "unverified", receivedAt },
    ]);
  });

  it("is one, however much the same person writes about the same while it is open", async () => {
    const { heed } = openShop();
    const first = await heed.requests.open({ ...ask, about: "access" });
    expect(await heed.requests.open({ ...ask, about: "access" })).toEqual({ ...first, changed: false });
    const others = [
      await heed.requests.open({ ...ask, about: "complaint" }),
      await heed.requests.open(ask),
      await heed.requests.open({ ...ask, about: "access", subject: { email: "bo@example.org" } }),
    ];
    expect(new Set([first, ...others].map(({ id }) => id)).size).toBe(4);
    await heed.requests.answer({ id: first.id });
    expect(await heed.requests.open({ ...ask, about: "access" })).toMatchObject({ changed: true });
  });

  it("is answered or refused by a human, or taken back, and that is kept as proof", async () => {
    const { heed } = openShop();
    const ends = {
      answer: (id: string) => heed.requests.answer({ id, because: "copy-sent" }),
      deny: (id: string) => heed.requests.deny({ id, because: "manifestly-unfounded" }),
      withdraw: (id: string) => heed.requests.withdraw(id),
    };
    const states: unknown[] = [];
    for (const end of Object.values(ends)) {
      const { id } = await heed.requests.open(ask);
      const { state } = await end(id);
      const { because } = await heed.requests.get(id);
      const receipt = await heed.requests.receipt(id);
      states.push([state, because, receipt.summary.right, receipt.summary.state]);
      for (const again of Object.values(ends))
        await expect(again(id)).rejects.toMatchObject({ code: "request-ended" });
    }
    expect(states).toEqual([
      ["fulfilled", "copy-sent", "inquiry", "fulfilled"],
      ["denied", "manifestly-unfounded", "inquiry", "denied"],
      ["withdrawn", undefined, "inquiry", "withdrawn"],
    ]);
    expect(await heed.requests.list()).toEqual([]);
  });

  it("is all that can be answered, and does nothing that could be verified or tried again", async () => {
    const { heed } = openShop();
    const erasure = await heed.requests.open({ right: "erasure", subject, identity: "unverified" });
    await expect(heed.requests.answer({ id: erasure.id })).rejects.toMatchObject({ code: "not-an-inquiry" });
    const { id } = await heed.requests.open(ask);
    await expect(heed.requests.verify({ id, identity: "operator-checked" })).rejects.toMatchObject({
      code: "nothing-to-verify",
    });
    await expect(heed.requests.retry(id)).rejects.toMatchObject({ code: "nothing-to-retry" });
    await expect(heed.requests.answer({ id: "nobody" })).rejects.toMatchObject({ code: "no-such-request" });
    await expect(heed.requests.answer({ id, because: "Dear Anna" })).rejects.toMatchObject({
      issues: [{ path: "because", message: "not a slug" }],
    });
    await expect(heed.requests.open({ ...ask, about: "Dear Anna" })).rejects.toMatchObject({
      issues: [{ path: "about", message: "not a slug" }],
    });
  });

  it("of somebody erased may be acknowledged by legal mail while it is open", async () => {
    const { heed, erase, isSendable } = openShop();
    await erase(subject);
    expect(await isSendable("terms", email)).toBe("erased");
    const { id } = await heed.requests.open(ask);
    expect([await isSendable("terms", email), await isSendable("receipts", email)]).toEqual([true, "erased"]);
    await heed.requests.answer({ id });
    expect(await isSendable("terms", email)).toBe("erased");
  });
});

describe("an inquiry that turned out to be something", () => {
  it("ends with that, whose deadline counts from when it was received", async () => {
    const { heed, clock } = openShop();
    const inquiry = await heed.requests.open({ ...ask, about: "question" });
    clock.advance(20 * dayMs);
    const told: unknown[] = [];
    heed.on("request.changed", (event) => told.push(event));
    const erasure = await heed.requests.open({
      right: "erasure",
      subject,
      identity: "operator-checked",
      follows: inquiry.id,
    });
    expect(erasure).toMatchObject({ dueOn: inquiry.dueOn, changed: true, state: "executing" });
    expect(told).toContainEqual({ requestId: inquiry.id, state: "fulfilled" });
    expect(await heed.requests.get(inquiry.id)).toMatchObject({ state: "fulfilled", because: "erasure" });
    await heed.work.drain();
    expect((await heed.requests.get(erasure.id)).state).toBe("fulfilled");
    expect((await heed.requests.receipt(inquiry.id)).summary).toMatchObject({ because: "erasure" });
  });

  it("may wait for an identity still, and goes before a later one that waits", async () => {
    const { heed, clock } = openShop();
    const inquiry = await heed.requests.open(ask);
    clock.advance(10 * dayMs);
    const erasure = { right: "erasure", subject } as const;
    const waiting = await heed.requests.open({ ...erasure, identity: "unverified" });
    expect(waiting.dueOn > inquiry.dueOn).toBe(true);
    const begun = await heed.requests.open({ ...erasure, identity: "signed-in", follows: inquiry.id });
    expect(begun).toMatchObject({ id: waiting.id, dueOn: inquiry.dueOn });
  });

  it("ends also where the same was asked for before", async () => {
    const { heed } = openShop();
    const inquiry = await heed.requests.open(ask);
    const erasure = { right: "erasure", subject, identity: "signed-in" } as const;
    const open = await heed.requests.open(erasure);
    expect(await heed.requests.open({ ...erasure, follows: inquiry.id })).toMatchObject({
      id: open.id,
      changed: true,
    });
    expect((await heed.requests.get(inquiry.id)).state).toBe("fulfilled");
  });

  it("is of that person, is open, and is an inquiry, or nothing is opened", async () => {
    const { heed, rows } = openShop();
    const inquiry = await heed.requests.open(ask);
    const other = await heed.requests.open({ ...ask, subject: { email: "bo@example.org" } });
    const erasure = { right: "erasure", subject, identity: "signed-in" } as const;
    await expect(heed.requests.open({ ...erasure, follows: other.id })).rejects.toMatchObject({
      code: "another-subject",
    });
    await expect(heed.requests.open({ ...erasure, follows: "nobody" })).rejects.toMatchObject({
      code: "no-such-request",
    });
    const objection = await heed.requests.open({ ...ask, right: "objection", recipient: "crm" });
    await expect(heed.requests.open({ ...erasure, follows: objection.id })).rejects.toMatchObject({
      code: "not-an-inquiry",
    });
    const receivedAt = "2026-01-01T00:00:00Z";
    for (const wrong of [{ ...erasure, receivedAt }, ask] as const)
      await expect(heed.requests.open({ ...wrong, follows: inquiry.id } as never)).rejects.toMatchObject({
        issues: [{ path: "follows", message: "with another inquiry, or with receivedAt" }],
      });
    await heed.requests.answer({ id: inquiry.id });
    await expect(heed.requests.open({ ...erasure, follows: inquiry.id })).rejects.toMatchObject({
      code: "request-ended",
    });
    expect((await rows("requests")).filter(({ right }) => right === "erasure")).toEqual([]);
  });

  it("may be of another address that was shown to be theirs", async () => {
    const { heed, rows } = openShop();
    await heed.subjects.record({ subject: { email: "home@example.org" } });
    const inquiry = await heed.requests.open(ask);
    await heed.requests.open({
      right: "erasure",
      subject: { email: [email, "home@example.org"] },
      identity: "operator-checked",
      follows: inquiry.id,
    });
    expect((await heed.requests.get(inquiry.id)).state).toBe("fulfilled");
    expect(await rows("subjects")).toHaveLength(1);
  });
});

describe("whoever is known by an inquiry alone", () => {
  it("is forgotten with its end, send log included, and what is left names nobody", async () => {
    for (const end of ["answer", "deny", "withdraw"] as const) {
      const shop = openShop();
      const { id } = await shop.heed.requests.open(ask);
      const digest = (await shop.rows("identifiers"))[0]?.digest ?? "none";
      expect(await shop.isSendable("terms", email)).toBe(true);
      expect(new Set(await known(shop))).toEqual(new Set(tables));
      if (end === "answer") await shop.heed.requests.answer({ id });
      else if (end === "deny") await shop.heed.requests.deny({ id, because: "spam" });
      else await shop.heed.requests.withdraw(id);
      expect(await known(shop)).toEqual([]);
      expect(await shop.placesOf(digest)).toEqual([]);
      expect((await shop.heed.requests.get(id)).closedAt).toBeDefined();
    }
  });

  it("is forgotten as well with the end of a request that nobody has shown to be theirs", async () => {
    for (const end of ["expire", "deny", "withdraw", "no"] as const) {
      const shop = openShop();
      const { id } = await shop.heed.requests.open({ right: "erasure", subject, identity: "unverified" });
      const { token } = await shop.heed.requests.invite(id);
      const digest = (await shop.rows("identifiers"))[0]?.digest ?? "none";
      if (end === "deny") await shop.heed.requests.deny({ id, because: "spam" });
      else if (end === "withdraw") await shop.heed.requests.withdraw(id);
      else if (end === "no") await shop.heed.invitations.answer({ token, answer: "no" });
      else shop.clock.advance(40 * dayMs);
      await shop.heed.work.drain();
      expect(await known(shop)).toEqual([]);
      expect(await shop.placesOf(digest)).toEqual([]);
      expect((await shop.heed.requests.get(id)).closedAt).toBeDefined();
      expect((await shop.heed.invitations.open(token))?.state).toBe(
        end === "no" || end === "withdraw" ? "answered" : "overtaken",
      );
    }
  });

  it("is forgotten with the last of several", async () => {
    const shop = openShop();
    const one = await shop.heed.requests.open({ ...ask, about: "access" });
    const other = await shop.heed.requests.open({ ...ask, about: "complaint" });
    await shop.heed.requests.answer({ id: one.id });
    expect(await shop.rows("subjects")).toHaveLength(1);
    await shop.heed.requests.answer({ id: other.id });
    expect(await known(shop)).toEqual([]);
  });

  type Shop = ReturnType<typeof openShop>;
  const reasons: Record<string, (shop: Shop) => Promise<unknown>> = {
    "was recorded": ({ heed }) => heed.subjects.record({ subject }),
    "said yes": ({ heed }) =>
      heed.subscriptions.subscribe({ subject, topic: "events", evidence: noEvidence }),
    "said no": ({ heed }) => heed.subscriptions.unsubscribe({ subject, topic: "offers" }),
    "asked for something": ({ heed }) =>
      heed.requests.open({ right: "erasure", subject, identity: "unverified" }),
    "showed who they are": ({ heed }) =>
      heed.requests.open({ ...ask, about: "other", identity: "signed-in" }),
    "has a link to say no by": ({ isSendable }) => isSendable("offers", email),
    "is under a legal hold": ({ heed }) =>
      heed.holds.place({ subject, reason: "case", orderedBy: "board", reviewAt: "2030-01-01T00:00:00Z" }),
  };
  for (const [what, happens] of Object.entries(reasons)) {
    it(`stays where the person ${what} meanwhile`, async () => {
      const shop = openShop();
      const { id } = await shop.heed.requests.open(ask);
      await happens(shop);
      await shop.heed.work.drain();
      for (const each of await shop.heed.requests.list())
        if (each.right === "inquiry") await shop.heed.requests.answer({ id: each.id });
      expect((await shop.heed.requests.get(id)).state).toBe("fulfilled");
      expect(await shop.rows("identifiers")).toHaveLength(1);
    });
  }

  it("goes where a legal hold was released meanwhile", async () => {
    const shop = openShop();
    const { id } = await shop.heed.requests.open(ask);
    const hold = await shop.heed.holds.place({
      subject,
      reason: "case",
      orderedBy: "board",
      reviewAt: "2030-01-01T00:00:00Z",
    });
    await shop.heed.holds.release(hold.id);
    await shop.heed.requests.answer({ id });
    expect(await known(shop)).toEqual([]);
  });

  it("is nobody who was known before", async () => {
    const shop = openShop();
    await shop.heed.subjects.record({ subject });
    const { id } = await shop.heed.requests.open(ask);
    await shop.heed.requests.answer({ id });
    expect(await shop.rows("identifiers")).toHaveLength(1);
  });
});

describe("an erasure of somebody whose inquiry is open", () => {
  it("is not held up by it, and leaves it open without anything personal", async () => {
    const { heed, erase, rows, placesOf } = openShop();
    const { id } = await heed.requests.open({ ...ask, subject: { email: "canary.anna@example.org" } });
    expect((await erase({ email: "canary.anna@example.org" })).state).toBe("fulfilled");
    expect([await rows("identifiers"), await rows("dataKeys"), await placesOf("canary")]).toEqual([
      [],
      [],
      [],
    ]);
    expect(await heed.requests.list()).toMatchObject([{ id, state: "awaiting_manual" }]);
    expect(await heed.requests.answer({ id })).toEqual({ state: "fulfilled" });
  });
});
