import {
  keyring,
  newKey,
  definePolicy,
  fileJournal,
  ownData,
  type Farewell,
  type HeedStorage,
  type Journal,
} from "@heed/core";
import { onTestFinished } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";
import { scriptedVendor } from "../scripted-vendor.ts";
import { journalStandingStill, standingStill } from "../standing-still.ts";
import { virtualClock, type VirtualClock } from "../virtual-clock.ts";

const policy = definePolicy({
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

/** What was shown to whoever opts in. */
export const journaledEvidence = { noticeVersion: "2026-01", shown: "text.canary@example.org" } as const;

/** Where a company keeps what it stores. */
export interface Premises {
  /** The place of its database: a file's path, a database's name. */
  readonly base: string;
  /** The path of its journal. */
  readonly journal: string;
  /** Opens the database of a place; one that is not there is made. */
  readonly open: (place: string) => HeedStorage;
}

/** A company with a journal, whose database can be put back to what it was. */
export function journaledCompanyAt(
  { base, journal, open }: Premises,
  startedAt = "2026-01-15T12:00:00.000Z",
) {
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
    /** heed on the database of a place, with the company's journal or another. */
    on(
      place: string,
      more: {
        /** `false`: without one. */
        readonly journal?: string | false;
        readonly through?: Journal;
        readonly storage?: HeedStorage;
        readonly namespace?: string;
        readonly keys?: string;
        readonly farewell?: Farewell<"invoices">;
      } = {},
    ) {
      const journaled =
        more.journal === false
          ? undefined
          : (more.through ?? journalStandingStill(fileJournal(more.journal ?? journal), clock));
      const test = createTestHeed({
        policy,
        clock,
        keys: keyring(more.keys ?? keys),
        storage: standingStill(more.storage ?? open(place), clock),
        ...(journaled === undefined ? {} : { journal: journaled }),
        ...(more.namespace === undefined ? {} : { namespace: more.namespace }),
        ...(more.farewell === undefined ? {} : { farewell: more.farewell }),
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
