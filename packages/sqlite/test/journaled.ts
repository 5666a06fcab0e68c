import {
  keyring,
  newKey,
  definePolicy,
  fileJournal,
  ownData,
  type HeedStorage,
  type Journal,
} from "@heed/core";
import { createTestHeed, scriptedVendor, virtualClock, type VirtualClock } from "@heed/testing";
import { onTestFinished } from "vitest";
import { sqlite } from "../src/sqlite.ts";
import { temporaryFile } from "./temporary-file.ts";

export const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example", zone: "Europe/Stockholm" },
  recipients: {
    crm: { role: "processor", country: "US", transferTool: "scc" },
    app: { role: "own", country: "SE" },
  },
  purposes: { news: { basis: "consent" }, service: { basis: "contract" } },
  topics: {
    newsletter: { class: "marketing", purpose: "news", via: ["crm"] },
    offers: { class: "marketing", purpose: "news", via: ["crm"] },
    alerts: { class: "service", purpose: "service" },
    invoices: { class: "transactional", purpose: "service" },
  },
});

export const evidence = { noticeVersion: "2026-01", shown: "text.canary@example.org" } as const;

/** A company on SQLite with a journal, whose database can be put back to what it was. */
export function journaledCompany(startedAt = "2026-01-15T12:00:00.000Z") {
  const base = temporaryFile();
  const journal = `${base}.journal`;
  const keys = newKey();
  const crm = scriptedVendor({
    name: "crm",
    topics: ["newsletter", "offers"],
    operations: ["subscribe", "unsubscribe", "erase"],
  });
  const rows = new Map<string, true>();
  const app = ownData({
    by: "email",
    erase: async (email) => rows.delete(email),
    holds: async (email) => rows.has(email),
  });
  const clock: VirtualClock = virtualClock(startedAt, { autoAdvance: true });
  return {
    base,
    journal,
    crm,
    rows,
    clock,
    keys,
    /** heed on a database file, with the company's journal or another. */
    on(
      file: string,
      more: {
        readonly journal?: string;
        readonly through?: Journal;
        readonly storage?: HeedStorage;
        readonly namespace?: string;
        readonly keys?: string;
      } = {},
    ) {
      const test = createTestHeed({
        policy,
        clock,
        keys: keyring(more.keys ?? keys),
        storage: more.storage ?? sqlite(file),
        journal: more.through ?? fileJournal(more.journal ?? journal),
        ...(more.namespace === undefined ? {} : { namespace: more.namespace }),
        processors: { crm: crm.processor, app },
      });
      // One whose append never ends cannot be closed.
      if (more.through === undefined) onTestFinished(() => test.heed.close());
      return test;
    },
    person(email: string) {
      crm.add({ id: `crm-${email}`, emails: [email] });
      rows.set(email, true);
      return { email };
    },
  };
}
