import { definePolicy, ownData } from "@heed/core";
import { createTestHeed, type TestHeedOptions } from "../create-test-heed.ts";
import { scriptedVendor, type ScriptedVendor, type ScriptedVendorOptions } from "../scripted-vendor.ts";

/** A company with a CRM, a payment processor and its own table: what most engine tests need. */
export const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example", zone: "Europe/Stockholm" },
  recipients: {
    crm: { role: "processor", country: "US", transferTool: "scc" },
    billing: {
      role: "processor",
      country: "IE",
      keeps: [{ category: "invoices", reason: "legal-obligation", law: "SFS 1999:1078 7:2", years: 7 }],
    },
    app: { role: "own", country: "SE" },
  },
  purposes: { news: { basis: "consent" }, service: { basis: "contract" } },
  topics: {
    newsletter: { class: "marketing", purpose: "news", via: ["crm"] },
    offers: { class: "marketing", purpose: "news", via: ["crm"] },
    alerts: { class: "service", purpose: "service" },
  },
});

export const evidence = { noticeVersion: "2026-01" } as const;

/** The company, with scripted vendors and its own rows. */
export function company(
  overrides: { crm?: ScriptedVendorOptions; billing?: ScriptedVendorOptions } & Omit<
    Partial<TestHeedOptions<never>>,
    "policy" | "processors"
  > = {},
) {
  const { crm: crmOptions, billing: billingOptions, ...rest } = overrides;
  const crm: ScriptedVendor = scriptedVendor({
    name: "crm",
    topics: ["newsletter", "offers"],
    operations: ["subscribe", "unsubscribe", "erase"],
    ...crmOptions,
  });
  const billing: ScriptedVendor = scriptedVendor({
    name: "billing",
    account: "acct-2",
    operations: ["forgetTokens"],
    ...billingOptions,
  });
  const rows = new Map<string, { name: string }>();
  const app = ownData({
    by: "email",
    erase: async (email) => rows.delete(email),
    holds: async (email) => rows.has(email),
  });
  const test = createTestHeed({
    policy,
    processors: { crm: crm.processor, billing: billing.processor, app },
    ...rest,
  });
  return {
    ...test,
    crm,
    billing,
    app: rows,
    /** A person known everywhere. */
    person(
      email: string,
      more: { id?: string; others?: readonly string[]; cards?: number; isPaying?: boolean } = {},
    ) {
      const id = more.id ?? email;
      crm.add({ id: `crm-${id}`, emails: [email, ...(more.others ?? [])] });
      billing.add({
        id: `cus-${id}`,
        emails: [email],
        cards: more.cards ?? 1,
        isPaying: more.isPaying ?? false,
      });
      rows.set(email, { name: "Somebody" });
      return { email };
    },
  };
}
