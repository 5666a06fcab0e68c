import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldConsent, type Asked, type ConsentState } from "./consent-fold.ts";
import { instantsOf, isOptOut, type EventKind, type LedgerEvent } from "./event.ts";

const start = Date.parse("2026-03-01T00:00:00.000Z");
const at = (minute: number) => new Date(start + minute * 60_000).toISOString();

/** What a person, or a source of history, does; `recordActs` makes recorded events of it. */
interface Act {
  readonly kind: EventKind;
  readonly scope: "topic" | "purpose" | "all";
  readonly name: string;
  /** Minute that the source claims. */
  readonly claimed: number | undefined;
  readonly imported: boolean;
  /** Minutes that pass before it reaches the ledger. */
  readonly passes: number;
  /** Minutes that it is valid for, from the minute it claims. */
  readonly validFor: number | undefined;
  /** Which earlier act a confirmation points to. */
  readonly confirms: number;
  /** Whether a confirmation is about what that act was about. */
  readonly isFaithful: boolean;
}

const kinds: readonly EventKind[] = [
  "requested",
  "confirmed",
  "given",
  "refused",
  "withdrawn",
  "revoked",
  "renewed",
  "expired",
];
const optInKinds: readonly EventKind[] = ["given", "renewed"];
const optOutKinds: readonly EventKind[] = ["refused", "withdrawn", "revoked", "expired"];
const horizon = 30;

const actOf = (from: readonly EventKind[]): fc.Arbitrary<Act> =>
  fc.record({
    kind: fc.constantFrom(...from),
    scope: fc.constantFrom<Act["scope"]>("topic", "topic", "purpose", "all"),
    name: fc.constantFrom("a", "b", "p", "q"),
    claimed: fc.option(fc.integer({ min: -5, max: horizon + 10 }), { nil: undefined }),
    imported: fc.boolean(),
    passes: fc.integer({ min: 0, max: 3 }),
    validFor: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
    confirms: fc.nat({ max: 6 }),
    isFaithful: fc.boolean(),
  });

const anyActs = fc.array(actOf(kinds), { maxLength: 9 });

/** The ledger: every act gets its instants from the function that the real ledger uses. */
function recordActs(acts: readonly Act[], earlier: readonly LedgerEvent[] = []): readonly LedgerEvent[] {
  const events = [...earlier];
  let minute = earlier.length === 0 ? 0 : (Date.parse(earlier.at(-1)?.recordedAt ?? "") - start) / 60_000;
  for (const given of acts) {
    const pointedAt = given.kind === "confirmed" && given.isFaithful ? acts[given.confirms] : undefined;
    const act = pointedAt === undefined ? given : { ...given, scope: pointedAt.scope, name: pointedAt.name };
    minute += act.passes;
    const claimedAt = act.claimed === undefined ? undefined : at(act.claimed);
    const { recordedAt, effectiveAt } = instantsOf(
      { kind: act.kind, claimedAt, imported: act.imported },
      events.at(-1)?.recordedAt,
      at(minute),
    );
    events.push({
      id: `e${events.length}`,
      kind: act.kind,
      scope: act.scope,
      name: act.scope === "all" ? null : act.name,
      recordedAt,
      effectiveAt,
      until: act.validFor === undefined ? null : at((act.claimed ?? minute) + act.validFor),
      confirms: act.kind === "confirmed" ? `e${act.confirms}` : null,
    });
  }
  return events;
}

/** The rules once more, the long way round: sort everything once and live through it instant by instant. */
function oracle(events: readonly LedgerEvent[], asked: Asked, now: string): ConsentState {
  const isAbout = (event: LedgerEvent) =>
    event.scope === "topic" ? event.name === asked.topic : event.name === asked.purpose;
  const timeline = [...new Map(events.map((event) => [event.id, event])).values()];
  timeline.sort((a, b) => (a.effectiveAt + a.id < b.effectiveAt + b.id ? -1 : 1));
  const instants = [...new Set(timeline.map((event) => event.effectiveAt))];
  let state: ConsentState = { state: "never-asked" };
  let ends: string | null = null;
  const pending = new Map<string, LedgerEvent>();
  for (const instant of instants) {
    const today = timeline.filter((event) => event.effectiveAt === instant);
    for (const event of today) if (event.kind === "requested") pending.set(event.id, event);
    for (const event of today) {
      if (event.scope === "all" || !isAbout(event)) continue;
      if (event.kind === "confirmed") {
        const request = pending.get(event.confirms ?? "");
        if (request?.scope !== event.scope || request.name !== event.name) continue;
        if (request.until !== null && instant > request.until) continue;
      } else if (event.kind !== "given" && event.kind !== "renewed") continue;
      state = { state: "given", by: event.id, since: instant };
      ends = event.until;
    }
    for (const event of today) {
      if (!optOutKinds.includes(event.kind as EventKind)) continue;
      if (event.scope !== "all" && !isAbout(event)) continue;
      state = { state: "not-given", by: event.id, since: instant };
      ends = null;
      // The opt-out ends every token that is on its way, as far as this topic is concerned.
      pending.clear();
    }
  }
  if (state.state === "given" && ends !== null && ends <= now) return { ...state, state: "not-given" };
  return state;
}

const asks: readonly Asked[] = [
  { purpose: "p", topic: "a" },
  { purpose: "p", topic: "b" },
  { purpose: "q", topic: "b" },
  { purpose: "p" },
  { purpose: "q" },
];
const anyAsk = fc.constantFrom(...asks);
const anyNow = fc.integer({ min: 0, max: horizon }).map(at);

describe("foldConsent", () => {
  it("agrees with living through the history instant by instant", () => {
    fc.assert(
      fc.property(anyActs, anyAsk, anyNow, (acts, asked, now) => {
        const events = recordActs(acts);
        expect(foldConsent(events, asked, now)).toEqual(oracle(events, asked, now));
      }),
      { numRuns: 3000 },
    );
  });

  it("is the same in whatever order events are read, and however often each (INV-01)", () => {
    fc.assert(
      fc.property(
        anyActs,
        anyAsk,
        fc.array(fc.nat({ max: 20 }), { maxLength: 12 }),
        fc.infiniteStream(fc.nat()),
        (acts, asked, repeats, keys) => {
          const events = recordActs(acts);
          const again = repeats.flatMap((index) => events[index % Math.max(1, events.length)] ?? []);
          const shuffled = [...events, ...again]
            .map((event) => ({ event, key: keys.next().value as number }))
            .toSorted((a, b) => a.key - b.key)
            .map(({ event }) => event);
          expect(foldConsent(shuffled, asked, at(horizon))).toEqual(foldConsent(events, asked, at(horizon)));
        },
      ),
    );
  });

  it("gives a tie to the opt-out (INV-02)", () => {
    fc.assert(
      fc.property(
        anyActs,
        actOf(optInKinds),
        actOf(optOutKinds),
        fc.boolean(),
        (acts, optIn, optOut, inFirst) => {
          const about = {
            scope: "topic",
            name: "a",
            imported: true,
            claimed: -1,
            validFor: undefined,
          } as const;
          const both = [
            { ...optIn, ...about },
            { ...optOut, ...about },
          ];
          const events = recordActs([...(inFirst ? both : both.toReversed())], recordActs(acts));
          const [one, other] = events.slice(-2);
          expect(one?.effectiveAt).toBe(other?.effectiveAt);
          const state = foldConsent(events.slice(-2), { purpose: "p", topic: "a" }, at(horizon));
          expect(state.state).toBe("not-given");
        },
      ),
    );
  });

  it("ends every topic with an opt-out from everything, also topics that nobody knew then (INV-03)", () => {
    fc.assert(
      fc.property(anyActs, actOf(optOutKinds), fc.string(), (acts, optOut, unknown) => {
        const last = { ...optOut, scope: "all", imported: false } as const;
        const events = recordActs([...acts, last]);
        const id = events.at(-1)?.id;
        for (const asked of [...asks, { purpose: "new", topic: unknown }]) {
          expect(foldConsent(events, asked, at(horizon))).toMatchObject({ state: "not-given", by: id });
        }
      }),
    );
  });

  it("re-opens only the topic of a newer opt-in after an opt-out from everything", () => {
    const events = recordActs([
      act("given", { name: "a" }),
      act("given", { name: "b" }),
      act("withdrawn", { scope: "all" }),
      act("given", { name: "a" }),
    ]);
    expect(foldConsent(events, { purpose: "p", topic: "a" }, at(horizon)).state).toBe("given");
    expect(foldConsent(events, { purpose: "p", topic: "b" }, at(horizon)).state).toBe("not-given");
    expect(foldConsent(events, { purpose: "p" }, at(horizon)).state).toBe("not-given");
  });

  it("never revives by an opt-in that arrives late (INV-04)", () => {
    fc.assert(
      fc.property(anyActs, actOf(optInKinds), fc.nat({ max: 600 }), anyAsk, (acts, optIn, earlier, asked) => {
        const events = recordActs(acts);
        const before = foldConsent(events, asked, at(horizon));
        fc.pre(before.state === "not-given" && events.some((e) => e.id === before.by && isOptOut(e.kind)));
        const claimed = (Date.parse(before.since ?? "") - start) / 60_000 - earlier;
        const late = recordActs([{ ...optIn, claimed }], events);
        expect(foldConsent(late, asked, at(horizon))).toEqual(before);
      }),
    );
  });

  it("never lets an opt-in take effect later than it was recorded (INV-05)", () => {
    fc.assert(
      fc.property(anyActs, (acts) => {
        for (const event of recordActs(acts)) {
          expect(event.effectiveAt <= event.recordedAt).toBe(true);
        }
      }),
    );
  });

  it("lets an opt-in with a clock that runs ahead shield nothing (INV-05)", () => {
    fc.assert(
      fc.property(anyActs, actOf(optInKinds), actOf(optOutKinds), anyAsk, (acts, optIn, optOut, asked) => {
        const about =
          asked.topic === undefined ? { scope: "purpose" as const, name: asked.purpose } : undefined;
        const scope = about ?? { scope: "topic" as const, name: asked.topic ?? "" };
        const future = { ...optIn, ...scope, claimed: horizon * 1000 };
        const live = { ...optOut, ...scope, imported: false };
        const events = recordActs([...acts, future, live]);
        expect(foldConsent(events, asked, at(horizon)).state).toBe("not-given");
      }),
    );
  });

  it("leaves topic b as it was when topic a changes (INV-06)", () => {
    fc.assert(
      fc.property(anyActs, fc.array(actOf(kinds), { maxLength: 4 }), (acts, more) => {
        const onlyA = more.map((each) => ({ ...each, scope: "topic" as const, name: "a" }));
        const events = recordActs(acts);
        const after = recordActs(onlyA, events);
        const asked = { purpose: "p", topic: "b" };
        expect(foldConsent(after, asked, at(horizon))).toEqual(foldConsent(events, asked, at(horizon)));
        const purpose = { purpose: "p" };
        expect(foldConsent(after, purpose, at(horizon))).toEqual(foldConsent(events, purpose, at(horizon)));
      }),
    );
  });

  it("knows three states", () => {
    const ask = { purpose: "p", topic: "a" };
    expect(foldConsent([], ask, at(0))).toEqual({ state: "never-asked" });
    expect(foldConsent(recordActs([act("requested")]), ask, at(1))).toEqual({ state: "never-asked" });
    expect(foldConsent(recordActs([act("given")]), ask, at(5))).toEqual({
      state: "given",
      by: "e0",
      since: at(1),
    });
    expect(foldConsent(recordActs([act("refused")]), ask, at(5)).state).toBe("not-given");
  });

  it("takes no opt-in as global", () => {
    const events = recordActs([act("given", { scope: "all" })]);
    expect(foldConsent(events, { purpose: "p", topic: "a" }, at(5)).state).toBe("never-asked");
  });

  it("ends a consent at the instant that its validity ends, and not before", () => {
    const events = recordActs([act("given", { claimed: 1, validFor: 10 })]);
    const ask = { purpose: "p", topic: "a" };
    expect(foldConsent(events, ask, "2026-03-01T00:10:59.999Z").state).toBe("given");
    expect(foldConsent(events, ask, at(11)).state).toBe("not-given");
    const renewed = recordActs([act("renewed")], events);
    expect(foldConsent(renewed, ask, at(40)).state).toBe("given");
  });
});

describe("a double opt-in (INV-07)", () => {
  const ask = { purpose: "p", topic: "a" };
  const stateAfter = (...acts: Act[]) => foldConsent(recordActs(acts), ask, at(horizon)).state;

  it("counts when its request is there and in its window", () => {
    expect(stateAfter(act("requested", { validFor: 5 }), act("confirmed"))).toBe("given");
  });

  it("says nothing without its request", () => {
    expect(stateAfter(act("given", { name: "b" }), act("confirmed", { confirms: 0 }))).toBe("never-asked");
    expect(stateAfter(act("confirmed", { confirms: 5 }))).toBe("never-asked");
  });

  it("says nothing when its request was for something else", () => {
    expect(stateAfter(act("requested", { name: "b" }), act("confirmed"))).toBe("never-asked");
    expect(stateAfter(act("requested", { scope: "purpose", name: "p" }), act("confirmed"))).toBe(
      "never-asked",
    );
  });

  it("says nothing after its window", () => {
    const request = act("requested", { claimed: 1, validFor: 2 });
    expect(stateAfter(request, act("confirmed", { passes: 2 }))).toBe("given");
    expect(stateAfter(request, act("confirmed", { passes: 3 }))).toBe("never-asked");
  });

  it("says nothing when it claims to be older than its request", () => {
    expect(stateAfter(act("requested"), act("confirmed", { claimed: 0 }))).toBe("never-asked");
  });

  it("is ended by any opt-out in between that covers the topic", () => {
    fc.assert(
      fc.property(actOf(optOutKinds), fc.array(actOf(kinds), { maxLength: 4 }), (optOut, noise) => {
        const scope =
          optOut.scope === "all"
            ? { scope: "all" as const }
            : { scope: optOut.scope, name: optOut.scope === "topic" ? "a" : "p" };
        const events = recordActs([
          act("requested"),
          { ...optOut, ...scope, imported: false },
          ...noise.filter((each) => each.kind === "requested" || isOptOut(each.kind)),
          act("confirmed", { confirms: 0 }),
        ]);
        expect(foldConsent(events, ask, at(horizon)).state).toBe("not-given");
      }),
    );
  });

  it("is not ended by an opt-out from another topic", () => {
    const optOut = act("withdrawn", { name: "b" });
    expect(stateAfter(act("requested"), optOut, act("confirmed", { confirms: 0 }))).toBe("given");
  });

  it("is ended by an opt-out at the very instant of the request or of the confirmation", () => {
    const imported = { imported: true, claimed: 1 } as const;
    const onRequest = [act("requested"), act("withdrawn", imported), act("confirmed", { confirms: 0 })];
    expect(stateAfter(...onRequest)).toBe("not-given");
    const onConfirmation = [
      act("requested"),
      act("withdrawn", { imported: true, claimed: 3 }),
      act("confirmed", { confirms: 0, claimed: 3, passes: 5 }),
    ];
    expect(stateAfter(...onConfirmation)).toBe("not-given");
  });
});

function act(kind: EventKind, more: Partial<Act> = {}): Act {
  return {
    kind,
    scope: "topic",
    name: "a",
    claimed: undefined,
    imported: false,
    passes: 1,
    validFor: undefined,
    confirms: 0,
    isFaithful: false,
    ...more,
  };
}
