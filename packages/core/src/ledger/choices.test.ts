import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { noEvidence, openShop, shopTopics, type ShopTopic } from "../../test/shop.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";

const anna = { email: "anna@example.org" };
const evidence = noEvidence;
const allTopics = Object.keys(shopTopics) as ShopTopic[];
const minuteMs = 60_000;

describe("withdrawing", () => {
  it("succeeds for somebody unknown, and is remembered", async () => {
    const { heed, isSendable } = openShop();
    expect(await heed.subscriptions.unsubscribe({ subject: anna, topic: "all" })).toMatchObject({
      changed: true,
    });
    expect(await isSendable("offers", anna.email)).toBe("suppressed");
  });

  it("succeeds in every state and any number of times, with the same answer (INV-08)", async () => {
    const scopes = ["all", ...allTopics] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("give", "subscribe", "withdraw", "unsubscribe all"), { maxLength: 4 }),
        fc.constantFrom(...scopes),
        fc.integer({ min: 2, max: 4 }),
        async (before, topic, times) => {
          const { heed, clock, isSendable } = openShop();
          for (const act of before) {
            clock.advance(minuteMs);
            if (act === "give") await heed.consent.give({ subject: anna, purpose: "tips", evidence });
            if (act === "subscribe")
              await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence });
            if (act === "withdraw") await heed.consent.withdraw({ subject: anna, purpose: "news" });
            if (act === "unsubscribe all")
              await heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
          }
          clock.advance(minuteMs);
          await heed.subscriptions.unsubscribe({ subject: anna, topic });
          for (let time = 1; time < times; time += 1) {
            const again = await heed.subscriptions.unsubscribe({ subject: anna, topic });
            expect(again).toMatchObject({ changed: false, steps: [], inFlight: 0, parked: false });
          }
          const silenced = topic === "all" ? ["product-news", "events", "offers"] : [topic];
          for (const each of silenced as ShopTopic[]) {
            expect((await heed.subscriptions.state({ subject: anna, topic: each })).state).toBe("not-given");
            const isAlwaysSent = shopTopics[each] === "transactional" || shopTopics[each] === "legal";
            expect(await isSendable(each, anna.email)).toBe(isAlwaysSent ? true : "suppressed");
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("needs nothing but who and what", async () => {
    const { heed, isSendable } = openShop();
    await heed.consent.give({ subject: anna, purpose: "tips", evidence });
    expect(await isSendable("tips", anna.email)).toBe(true);
    await heed.consent.withdraw({ subject: anna, purpose: "tips" });
    expect(await isSendable("tips", anna.email)).toBe("suppressed");
  });

  it("ends a service topic also after an opt-out from all marketing", async () => {
    const { heed, clock, isSendable } = openShop();
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    clock.advance(minuteMs);
    const answer = await heed.subscriptions.unsubscribe({ subject: anna, topic: "outages" });
    expect(answer.changed).toBe(true);
    expect(await isSendable("outages", anna.email)).toBe("suppressed");
  });

  it("ends a purpose of service topics also after an opt-out from all marketing", async () => {
    const { heed, clock, isSendable } = openShop();
    await heed.consent.give({ subject: anna, purpose: "tips", evidence });
    clock.advance(minuteMs);
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    expect((await heed.consent.state({ subject: anna, purpose: "tips" })).state).toBe("given");
    clock.advance(minuteMs);
    const answer = await heed.consent.withdraw({ subject: anna, purpose: "tips" });
    expect(answer.changed).toBe(true);
    expect(await isSendable("tips", anna.email)).toBe("suppressed");
    expect((await heed.consent.state({ subject: anna, purpose: "tips" })).state).toBe("not-given");
  });

  it("ends the topics of the purpose and no others", async () => {
    const { heed, sendable, clock } = openShop();
    for (const topic of ["product-news", "events", "offers", "tips"] as const)
      await heed.subscriptions.subscribe({ subject: anna, topic, evidence });
    clock.advance(minuteMs);
    await heed.consent.withdraw({ subject: anna, purpose: "news" });
    expect(await sendable(anna.email)).toEqual({
      "product-news": "suppressed",
      events: "suppressed",
      offers: true,
      tips: true,
      outages: true,
      receipts: true,
      terms: true,
    });
  });

  it("tells the processors that hold the topic once, and not again", async () => {
    const { heed, clock, crm } = openShop();
    await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence });
    await heed.work.drain();
    expect(crm.contacts.get(anna.email)).toEqual(new Set(["product-news"]));
    clock.advance(minuteMs);
    const first = await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    const second = await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    expect([first.steps.length, second.steps.length]).toEqual([1, 0]);
    await heed.work.drain();
    expect(crm.contacts.get(anna.email)).toEqual(new Set());
  });
});

describe("a consent with an end", () => {
  const hourMs = 60 * minuteMs;

  it("reaches a processor while it is valid, and not once it has ended", async () => {
    for (const [waitsMs, lists] of [
      [hourMs, new Set(["product-news"])],
      [3 * hourMs, undefined],
    ] as const) {
      const { heed, clock, crm } = openShop({ start: "2026-01-15T12:00:00.000Z" });
      const until = "2026-01-15T14:00:00Z";
      await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", until, evidence });
      clock.advance(waitsMs);
      await heed.work.drain();
      expect(crm.contacts.get(anna.email)).toEqual(lists);
    }
  });
});

describe("an objection to marketing", () => {
  it("is not revived by legitimate interest, though that is declared (INV-09)", async () => {
    const { heed, isSendable } = openShop();
    expect(await isSendable("offers", anna.email)).toBe(true);
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "offers" });
    expect(await isSendable("offers", anna.email)).toBe("suppressed");
  });

  it("holds for an address that the person turns out to have besides", async () => {
    const { heed, isSendable } = openShop();
    const other = "anna.b@example.net";
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "offers" });
    expect(await isSendable("offers", other)).toBe(true);
    await heed.subjects.record({ subject: { email: [anna.email, other] }, identityVerified: true });
    expect(await isSendable("offers", other)).toBe("suppressed");
  });

  it("ends by nothing but a newer opt-in of that topic or its purpose", async () => {
    const { heed, clock, isSendable } = openShop();
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    clock.advance(minuteMs);
    await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence });
    expect(await isSendable("product-news", anna.email)).toBe(true);
    expect(await isSendable("offers", anna.email)).toBe("suppressed");
    await heed.consent.give({ subject: anna, purpose: "offers", evidence });
    expect(await isSendable("offers", anna.email)).toBe(true);
    expect(await isSendable("events", anna.email)).toBe("suppressed");
  });

  it("leaves service, transactional and legal mail alone (INV-10)", async () => {
    const { heed, sendable } = openShop();
    await heed.consent.give({ subject: anna, purpose: "tips", evidence });
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "all" });
    const marketing = "suppressed";
    expect(await sendable(anna.email)).toEqual({
      "product-news": marketing,
      events: marketing,
      offers: marketing,
      tips: true,
      outages: true,
      receipts: true,
      terms: true,
    });
  });
});

describe("an import", () => {
  it("loses to a newer opt-out, whichever arrives first", async () => {
    for (const importFirst of [true, false]) {
      const { heed, clock, isSendable } = openShop();
      const old = { imported: true, at: "2020-05-01T10:00:00+02:00", evidence } as const;
      const bring = () => heed.subscriptions.subscribe({ subject: anna, topic: "product-news", ...old });
      if (importFirst) await bring();
      clock.advance(minuteMs);
      await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
      clock.advance(minuteMs);
      if (!importFirst) await bring();
      expect(await isSendable("product-news", anna.email)).toBe("suppressed");
    }
  });

  it("loses to an opt-out that only repeated an older one", async () => {
    const { heed, clock, isSendable } = openShop({ start: "2026-01-01T00:00:00.000Z" });
    await heed.subscriptions.unsubscribe({
      subject: anna,
      topic: "product-news",
      imported: true,
      at: "2020-01-01T00:00:00Z",
    });
    clock.advance(minuteMs);
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    clock.advance(minuteMs);
    const brought = await heed.subscriptions.subscribe({
      subject: anna,
      topic: "product-news",
      imported: true,
      at: "2023-01-01T00:00:00Z",
      evidence,
    });
    expect(brought.steps).toEqual([]);
    expect(await isSendable("product-news", anna.email)).toBe("suppressed");
    expect((await heed.subscriptions.state({ subject: anna, topic: "product-news" })).state).toBe(
      "not-given",
    );
  });

  it("gives consent that nobody has ended since", async () => {
    const { heed, clock, isSendable } = openShop();
    await heed.subscriptions.subscribe({
      subject: anna,
      topic: "product-news",
      imported: true,
      at: "2020-05-01T10:00:00Z",
      evidence,
    });
    clock.advance(minuteMs);
    expect(await isSendable("product-news", anna.email)).toBe(true);
    expect(await heed.subscriptions.state({ subject: anna, topic: "product-news" })).toMatchObject({
      state: "given",
      since: "2020-05-01T10:00:00.000Z",
    });
  });

  it("with a claimed time in the future revives nobody", async () => {
    const { heed, clock, isSendable } = openShop();
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news" });
    clock.advance(minuteMs);
    const future = { imported: true, at: "2099-01-01T00:00:00Z", evidence } as const;
    await expect(
      heed.subscriptions.subscribe({ subject: anna, topic: "product-news", ...future }),
    ).rejects.toThrow(InvalidInputError);
    expect(await isSendable("product-news", anna.email)).toBe("suppressed");
  });

  it("without a claimed time revives nobody", async () => {
    const { heed, clock, isSendable } = openShop();
    await heed.consent.withdraw({ subject: anna, purpose: "news" });
    clock.advance(minuteMs);
    await expect(
      heed.consent.give({ subject: anna, purpose: "news", imported: true, evidence }),
    ).rejects.toThrow(/`at`/);
    expect(await isSendable("product-news", anna.email)).toBe("suppressed");
  });

  it("of an opt-out needs no time: it then counts from now", async () => {
    const { heed, clock, isSendable } = openShop();
    await heed.subscriptions.subscribe({ subject: anna, topic: "product-news", evidence });
    clock.advance(minuteMs);
    await heed.subscriptions.unsubscribe({ subject: anna, topic: "product-news", imported: true });
    expect(await isSendable("product-news", anna.email)).toBe("suppressed");
  });
});

/** What somebody says in a random history, and when the source claims it. */
interface Said {
  readonly says: "yes" | "no";
  readonly about: string;
  readonly claimedDaysAgo: number | undefined;
}

describe("the ledger", () => {
  const topics = { "product-news": "news", events: "news", offers: "offers", tips: "tips" } as const;
  const anySaid: fc.Arbitrary<Said> = fc.record({
    says: fc.constantFrom("yes" as const, "no" as const),
    about: fc.constantFrom("product-news", "events", "tips", "purpose news", "purpose tips", "all"),
    claimedDaysAgo: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  });

  it("remembers what was said last about each topic, for any history of live and imported choices", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anySaid, { maxLength: 10 }), async (history) => {
        const { heed, clock, isSendable } = openShop({ start: "2026-06-01T00:00:00.000Z" });
        const heard: { says: "yes" | "no"; about: string; effective: number }[] = [];
        for (const { says, about, claimedDaysAgo } of history) {
          if (says === "yes" && about === "all") continue;
          clock.advance(minuteMs);
          const now = clock.now().getTime();
          const claimed = claimedDaysAgo === undefined ? now : now - claimedDaysAgo * 86_400_000;
          const source =
            claimedDaysAgo === undefined ? {} : { imported: true, at: new Date(claimed).toISOString() };
          heard.push({ says, about, effective: claimed });
          const details = { subject: anna, ...source };
          const purpose = about.startsWith("purpose ") ? (about.slice(8) as "news" | "tips") : undefined;
          const topic = about as "product-news";
          if (says === "no" && purpose !== undefined) await heed.consent.withdraw({ ...details, purpose });
          else if (says === "no") await heed.subscriptions.unsubscribe({ ...details, topic });
          else if (purpose !== undefined) await heed.consent.give({ ...details, purpose, evidence });
          else await heed.subscriptions.subscribe({ ...details, topic, evidence });
        }
        clock.advance(minuteMs);
        for (const [topic, purpose] of Object.entries(topics)) {
          const isAbout = ({ about }: { about: string }) =>
            about === topic || about === `purpose ${purpose}` || (about === "all" && topic !== "tips");
          const relevant = heard.filter((each) => isAbout(each));
          const newest = Math.max(...relevant.map((each) => each.effective));
          const last = relevant.filter((each) => each.effective === newest);
          const expected =
            last.length === 0
              ? "never-asked"
              : last.every(({ says }) => says === "yes")
                ? "given"
                : "not-given";
          const name = topic as "product-news";
          expect((await heed.subscriptions.state({ subject: anna, topic: name })).state).toBe(expected);
          const isFree = topic === "offers" && expected === "never-asked";
          const sendable = await isSendable(name, anna.email);
          expect(sendable === true).toBe(expected === "given" || isFree);
        }
      }),
      { numRuns: 300 },
    );
  });
});
