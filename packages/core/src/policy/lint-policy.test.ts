import { describe, expect, it } from "vitest";
import { shopPolicy } from "../../test/shop.ts";
import type { InputIssue } from "../errors/invalid-input-error.ts";
import { lintPolicy } from "./lint-policy.ts";
import type { Policy } from "./policy.ts";

const good = {
  controller: {
    name: "Acme AB",
    country: "SE",
    contact: "privacy@acme.example",
    zone: "Europe/Stockholm",
    holidays: ["2026-06-19", "2028-02-29"],
  },
  recipients: {
    app: { role: "own", country: "SE" },
    crm: { role: "processor", country: "US", transferTool: "scc", trusts: ["email"] },
    payments: {
      role: "processor",
      country: "IE",
      keeps: [{ category: "invoices", reason: "legal-obligation", law: "SFS 1999:1078 7:2 §", years: 7 }],
    },
  },
  purposes: {
    news: { basis: "consent", title: "News" },
    offers: { basis: ["contract", "legitimate-interest"] },
    shop: { basis: ["contract", "soft-opt-in"] },
    account: { basis: "contract" },
    law: { basis: ["consent", "legal-obligation"] },
  },
  topics: {
    "product-news": { class: "marketing", purpose: "news", via: ["crm"], title: "Product news" },
    offers: { class: "marketing", purpose: "offers" },
    accessories: { class: "marketing", purpose: "shop" },
    outages: { class: "service", purpose: "account" },
    receipts: { class: "transactional", purpose: "account" },
    terms: { class: "legal", purpose: "law" },
  },
} as const;

/** The good policy with one thing changed, as a caller whom no compiler checked may write it. */
function lint(path: string, value: unknown): readonly InputIssue[] {
  const changed = structuredClone(good) as Record<string, unknown>;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const holder = keys.reduce((at, key) => at[key] as Record<string, unknown>, changed);
  if (value === undefined) delete holder[last];
  else Object.defineProperty(holder, last, { value, enumerable: true, configurable: true });
  return lintPolicy(changed as unknown as Policy);
}

describe("lintPolicy", () => {
  it("finds nothing wrong with a policy that can be kept", () => {
    expect(lintPolicy(good as unknown as Policy)).toEqual([]);
    expect(lintPolicy(shopPolicy)).toEqual([]);
  });

  it.each([
    ["topics.product-news.purpose", "newz", "topics.product-news.purpose", 'no purpose "newz"'],
    ["topics.product-news.purpose", "constructor", "topics.product-news.purpose", 'no purpose "constructor"'],
    ["topics.product-news.via", ["crm", "crmm"], "topics.product-news.via", 'no recipient "crmm"'],
    ["topics.product-news.via", ["toString"], "topics.product-news.via", 'no recipient "toString"'],
    ["topics.product-news.class", "promo", "topics.product-news.class", "marketing"],
    ["topics.all", good.topics.outages, "topics.all", "reserved"],
    ["purposes.all", good.purposes.news, "purposes.all", "reserved"],
    ["recipients.heed", good.recipients.app, "recipients.heed", "reserved"],
    ["topics.my topic", good.topics.outages, "topics.my topic", "letters, digits and hyphens"],
    ["topics.2fa", good.topics.outages, "topics.2fa", "beginning with a letter"],
    ["topics.x_y", good.topics.outages, "topics.x_y", "letters, digits and hyphens"],
    [`topics.${"x".repeat(65)}`, good.topics.outages, `topics.${"x".repeat(65)}`, "at most 64"],
    ["controller.country", "Sweden", "controller.country", "ISO 3166-1"],
    ["controller.country", "se", "controller.country", "capital letters"],
    ["controller.name", "", "controller.name", "responsible"],
    ["controller.contact", "", "controller.contact", "write to"],
    ["controller.zone", "Stockholm", "controller.zone", "Europe/Stockholm"],
    ["controller.holidays", ["19.6.2026"], "controller.holidays.0", "YYYY-MM-DD"],
    ["controller.holidays", ["2026-02-30"], "controller.holidays.0", "YYYY-MM-DD"],
    ["controller.vat", "SE00", "controller", "vat"],
    ["recipients.crm.country", "USA", "recipients.crm.country", "ISO 3166-1"],
    ["recipients.crm.role", "friend", "recipients.crm.role", "processor"],
    ["recipients.crm.transferTool", "handshake", "recipients.crm.transferTool", "scc"],
    ["recipients.payments.keeps.0.category", "All Invoices", "recipients.payments.keeps.0.category", "slug"],
    ["recipients.payments.keeps.0.reason", "", "recipients.payments.keeps.0.reason", "slug"],
    ["recipients.payments.keeps.0.law", "ask anna@x.org", "recipients.payments.keeps.0.law", "80 plain"],
    ["recipients.payments.keeps.0.years", 7.5, "recipients.payments.keeps.0.years", "int"],
    ["recipients.payments.keeps.0.years", -1, "recipients.payments.keeps.0.years", ">=0"],
    ["purposes.news.basis", "permission", "purposes.news.basis", "consent"],
    ["purposes.offers.basis", [], "purposes.offers.basis", "at least one legal basis"],
  ])("says where %s = %j goes wrong, and how to mend it", (path, value, where, message) => {
    const issues = lint(path, value);
    expect(issues).toHaveLength(1);
    expect(issues[0]?.path).toBe(where);
    expect(issues[0]?.message).toContain(message);
  });

  it.each(["contract", "legal-obligation", "vital-interest", "public-task"])(
    "does not let marketing rest on %s alone",
    (basis) => {
      const [issue, ...others] = lint("purposes.news.basis", basis);
      expect(others).toEqual([]);
      expect(issue?.path).toBe("topics.product-news.class");
      expect(issue?.message).toContain(`marketing cannot rest on ${basis}`);
      expect(issue?.message).toContain('for "news"');
    },
  );

  it.each(["consent", "legitimate-interest", "soft-opt-in"])("lets marketing rest on %s", (basis) => {
    expect(lint("purposes.news.basis", basis)).toEqual([]);
  });

  it("does not let a legal notice depend on consent", () => {
    for (const basis of ["consent", ["consent"]]) {
      const [issue] = lint("purposes.law.basis", basis);
      expect(issue?.path).toBe("topics.terms.class");
      expect(issue?.message).toContain("people who gave no consent");
    }
  });

  it.each([
    ["SE", "US", true],
    ["SE", "GB", true],
    ["SE", "CH", true],
    ["NO", "US", true],
    ["GB", "US", true],
    ["SE", "NO", false],
    ["SE", "SE", false],
    ["GB", "GB", false],
    ["GB", "SE", false],
    ["US", "CN", false],
  ])("from %s to %s: needs a transfer tool is %s", (from, to, isNeeded) => {
    const policy = structuredClone(good) as unknown as {
      controller: { country: string };
      recipients: Record<string, unknown>;
    };
    policy.controller.country = from;
    policy.recipients = { crm: { role: "processor", country: to } };
    const issues = lintPolicy(policy as unknown as Policy);
    expect(issues.map((issue) => issue.path)).toEqual(isNeeded ? ["recipients.crm.transferTool"] : []);
    policy.recipients = { crm: { role: "processor", country: to, transferTool: "adequacy" } };
    expect(lintPolicy(policy as unknown as Policy)).toEqual([]);
  });

  it("reports every contradiction at once", () => {
    const many = structuredClone(good) as unknown as { recipients: object; topics: object; purposes: object };
    many.recipients = { crm: { role: "processor", country: "US" } };
    many.purposes = { account: { basis: "contract" } };
    many.topics = {
      all: { class: "marketing", purpose: "account", via: ["nobody"] },
      terms: { class: "legal", purpose: "nothing" },
    };
    const issues = lintPolicy(many as unknown as Policy);
    expect(issues.map((issue) => issue.path).toSorted()).toEqual([
      "recipients.crm.transferTool",
      "topics.all",
      "topics.all.class",
      "topics.all.via",
      "topics.terms.purpose",
    ]);
  });

  it.each([undefined, null, 1, "policy", [], {}])(
    "reports %j as incomplete and does not fall over",
    (value) => {
      expect(lintPolicy(value as Policy).length).toBeGreaterThan(0);
    },
  );
});
