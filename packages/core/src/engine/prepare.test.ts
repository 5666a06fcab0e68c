import { describe, expect, it } from "vitest";
import type { InputOf } from "../contract/operation.ts";
import type { Row } from "../contract/tables.ts";
import { definePolicy } from "../policy/define-policy.ts";
import { wishedInput } from "./prepare.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { crm: { role: "processor", country: "SE" }, mail: { role: "processor", country: "SE" } },
  purposes: { news: { basis: "consent" }, account: { basis: "contract" } },
  topics: {
    "product-news": { class: "marketing", purpose: "news", via: ["crm", "mail"] },
    events: { class: "marketing", purpose: "news", via: ["crm", "mail"] },
    outages: { class: "service", purpose: "account", via: ["crm"] },
  },
});

const at = (minute: number) =>
  new Date(Date.parse("2026-01-15T12:00:00.000Z") + minute * 60_000).toISOString();
const now = at(60);

function event(minute: number, kind: string, name: string | null, set: Partial<Row<"events">> = {}) {
  return {
    id: `e${minute}`,
    subjectId: "anna",
    kind,
    scope: name === null ? "all" : "topic",
    name,
    claimedAt: at(minute),
    recordedAt: at(minute),
    effectiveAt: at(minute),
    until: null,
    confirms: null,
    channel: "api",
    method: "api",
    indicatedBy: "subject",
    sealed: null,
    ...set,
  } satisfies Row<"events">;
}

const subscribe = (topics: readonly string[], minute = 1): InputOf["subscribe"] => ({
  topics,
  basis: "consent",
  evidence: `e${minute}`,
  givenAt: at(minute),
});
const wished = (
  operation: "subscribe" | "unsubscribe",
  input: InputOf["subscribe"] | InputOf["unsubscribe"],
  events: readonly Row<"events">[],
  processor = "crm",
) =>
  wishedInput(policy, { operation, input: JSON.stringify(input), processor, subjectId: "anna" }, events, now);

describe("what a preference step asks for when it is claimed", () => {
  const given = [event(1, "given", "product-news"), event(2, "given", "events")];

  it("is what was asked for, as long as nobody said anything newer", () => {
    expect(wished("subscribe", subscribe(["product-news"]), given)).toEqual(subscribe(["product-news"]));
    const out = [event(3, "withdrawn", "product-news")];
    expect(wished("unsubscribe", { topics: ["product-news"] }, out)).toEqual({ topics: ["product-news"] });
  });

  it("is nothing when it was overtaken", () => {
    const overtaken = [...given, event(3, "withdrawn", "product-news")];
    expect(wished("subscribe", subscribe(["product-news"]), overtaken)).toBeUndefined();
    expect(wished("unsubscribe", { topics: ["events"] }, overtaken)).toBeUndefined();
  });

  it("is what is left when it was overtaken in part", () => {
    const overtaken = [...given, event(3, "withdrawn", "product-news")];
    const both = ["product-news", "events"];
    expect(wished("subscribe", subscribe(both), overtaken)).toEqual(subscribe(["events"], 2));
    expect(wished("unsubscribe", { topics: both }, overtaken)).toEqual({ topics: ["product-news"] });
  });

  it("is no consent that has ended meanwhile", () => {
    const ended = [event(1, "given", "product-news", { until: at(60) })];
    expect(wished("subscribe", subscribe(["product-news"]), ended)).toBeUndefined();
    const valid = [event(1, "given", "product-news", { until: at(61) })];
    expect(wished("subscribe", subscribe(["product-news"]), valid)).toEqual(subscribe(["product-news"]));
  });

  it("relies on the choice that counts now, and of several on the oldest", () => {
    const again = [...given, event(4, "withdrawn", "product-news"), event(5, "renewed", "product-news")];
    expect(wished("subscribe", subscribe(["product-news"]), again)).toEqual(subscribe(["product-news"], 5));
    const both = ["product-news", "events"];
    expect(wished("subscribe", subscribe(both), again)).toEqual(subscribe(both, 2));
  });

  it("is everything that the processor has, where all of it is marketing", () => {
    const out = [event(3, "withdrawn", null)];
    expect(wished("unsubscribe", { topics: "all" }, [...given, ...out], "mail")).toEqual({ topics: "all" });
    const back = event(4, "given", "events");
    expect(wished("unsubscribe", { topics: "all" }, [...given, ...out, back], "mail")).toEqual({
      topics: ["product-news"],
    });
  });

  it("leaves service topics alone after an opt-out from all marketing", () => {
    const out = [...given, event(3, "withdrawn", null)];
    expect(wished("unsubscribe", { topics: "all" }, out)).toEqual({ topics: ["product-news", "events"] });
  });

  it("does not look at what others said", () => {
    const others = [event(9, "withdrawn", "product-news", { subjectId: "ben" })];
    expect(wished("subscribe", subscribe(["product-news"]), [...given, ...others])).toEqual(
      subscribe(["product-news"]),
    );
  });
});
