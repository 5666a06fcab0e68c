import { describe, expect, it } from "vitest";
import { smallCrm } from "../../test/small-crm.ts";
import { shopPolicy } from "../../test/shop.ts";
import type { ProcessorV1 } from "../contract/processor.ts";
import { InvalidInputError } from "../errors/invalid-input-error.ts";
import { createHeed } from "../heed.ts";
import { ephemeralKeys } from "../keys/keyring.ts";
import { memory } from "../memory/memory.ts";
import { definePolicy } from "./define-policy.ts";
import { scopeCode, scopeCodeBytes } from "./scope-code.ts";

const controller = { name: "Acme AB", country: "SE", contact: "privacy@acme.example" };

function refusalOf(make: () => unknown): InvalidInputError {
  try {
    make();
  } catch (error) {
    if (error instanceof InvalidInputError) return error;
    throw error;
  }
  return expect.fail("it was accepted");
}

describe("a defined policy", () => {
  it("is a copy that nobody can change, at any depth", () => {
    const given = {
      controller: {
        name: "Acme AB",
        country: "SE",
        contact: "privacy@acme.example",
        holidays: ["2026-12-24"],
      },
      purposes: { news: { basis: "consent" as const } },
      topics: { newsletter: { class: "marketing" as const, purpose: "news" as const } },
    };
    const policy = definePolicy(given);
    Object.assign(given.topics.newsletter, { class: "transactional" });
    given.controller.holidays.push("2026-12-25");
    expect(policy.topics["newsletter"]?.class).toBe("marketing");
    expect(policy.controller.holidays).toEqual(["2026-12-24"]);
    expect(() => Object.assign(policy.topics, { other: {} })).toThrow(TypeError);
    expect(() => Object.assign(policy.controller.holidays ?? [], { 0: "x" })).toThrow(TypeError);
  });

  it.each([undefined, null, "policy", {}, { controller: 5 }])(
    "is refused with what to pass (%j)",
    (given) => {
      const define = definePolicy as (given: unknown) => unknown;
      expect(() => define(given)).toThrow(expect.objectContaining({ name: "InvalidInputError" }));
    },
  );
});

describe("definePolicy", () => {
  it("gives back what was promised", () => {
    const policy = definePolicy({
      controller,
      purposes: { news: { basis: "consent" } },
      topics: { "product-news": { class: "marketing", purpose: "news" } },
    });
    expect(policy).toEqual({
      controller,
      recipients: {},
      purposes: { news: { basis: "consent" } },
      topics: { "product-news": { class: "marketing", purpose: "news" } },
    });
  });

  it("refuses a contradiction, with each one in the message and in `issues`", () => {
    const error = refusalOf(() =>
      definePolicy({
        controller,
        purposes: { account: { basis: "contract" } },
        topics: {
          offers: { class: "marketing", purpose: "account" },
          news: { class: "marketing", purpose: "newz" as "account" },
        },
      }),
    );
    expect(error.code).toBe("policy-contradicts-itself");
    expect(error.issues.map((issue) => issue.path)).toEqual(["topics.offers.class", "topics.news.purpose"]);
    for (const { path, message } of error.issues) expect(error.message).toContain(`${path}: ${message}`);
  });
});

describe("the sections of a policy", () => {
  const whole = {
    controller,
    purposes: { news: { basis: "consent" } },
    topics: { "product-news": { class: "marketing", purpose: "news" } },
  };
  const define = definePolicy as unknown as (given: object) => unknown;
  const issuesOf = (given: object) => refusalOf(() => define(given)).issues;

  it.each(["topcs", "recipient", "retention", "constructor"])("are no others: %s", (name) => {
    const issues = issuesOf({ ...whole, [name]: { crm: { role: "own", country: "SE" } } });
    expect(issues).toEqual([
      {
        path: name,
        message: "a policy has no such section; it has: controller, recipients, purposes, topics",
      },
    ]);
  });

  it.each(["controller", "purposes", "topics"])("are told when they are missing: %s", (name) => {
    for (const missing of [undefined, null, "canary"]) {
      const [issue, ...others] = issuesOf({ ...whole, [name]: missing });
      expect(others).toEqual([]);
      expect(issue?.path).toBe(name);
      expect(issue?.message).toMatch(/^pass .* for example \{/);
    }
    expect(issuesOf({ ...whole, [name]: undefined, [`${name}s`]: {} }).map(({ path }) => path)).toEqual([
      name,
      `${name}s`,
    ]);
  });

  it("may leave the recipients out, and say nothing else in their place", () => {
    expect(define({ ...whole, recipients: undefined })).toMatchObject({ recipients: {} });
    expect(issuesOf({ ...whole, recipients: ["crm"] })[0]?.message).toMatch(/^pass .* or leave it out$/);
  });
});

describe("scopeCode", () => {
  it("is short, the same every time, and different for every topic", () => {
    const names = Array.from({ length: 500 }, (_, n) => `topic-${n}`);
    const codes = names.map((name) => scopeCode(name).toString("hex"));
    expect(new Set(codes).size).toBe(names.length);
    expect(scopeCode("offers")).toEqual(scopeCode("offers"));
    expect(scopeCode("offers")).toHaveLength(scopeCodeBytes);
  });
});

describe("processors that do not fit the policy", () => {
  const crm = smallCrm().processor;
  const put = (processors: Record<string, unknown>) =>
    createHeed({
      policy: shopPolicy,
      storage: memory(),
      keys: ephemeralKeys(),
      processors: processors as { crm: typeof crm },
    });

  it("are refused at run time too, each with its place and what to do", () => {
    const withoutEvents: ProcessorV1 = { ...(crm as unknown as ProcessorV1), topics: { "product-news": 1 } };
    for (const [processors, path, message] of [
      [{}, "processors.crm", 'the topic "product-news" goes via it: pass its processor'],
      [{ crm: withoutEvents }, "processors.crm.topics", 'bind the topic "events"'],
      [{ crm, mailchimp: crm }, "processors.mailchimp", "the policy names no such recipient"],
      [{ crm, toString: crm }, "processors.toString", "the policy names no such recipient"],
    ] as const) {
      const error = refusalOf(() => put(processors));
      expect(error.code).toBe("processors-do-not-fit");
      const issue = error.issues.find((each) => each.path === path);
      expect(issue?.message).toContain(message);
      expect(error.message).toContain(`${path}: ${issue?.message}`);
    }
  });

  it("are reported all at once", () => {
    const error = refusalOf(() => put({ mailchimp: crm }));
    expect(error.issues.map((issue) => issue.path)).toEqual([
      "processors.mailchimp",
      "processors.crm",
      "processors.crm",
    ]);
  });

  it("are no reason to refuse those that fit", () => {
    expect(() => put({ crm })).not.toThrow();
  });
});
