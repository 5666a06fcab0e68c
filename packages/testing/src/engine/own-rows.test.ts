import { definePolicy, ownData } from "@heed/core";
import { describe, expect, it } from "vitest";
import { createTestHeed } from "../create-test-heed.ts";

const policy = definePolicy({
  controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
  recipients: { app: { role: "own", country: "SE" } },
  purposes: { news: { basis: "consent" } },
  topics: { newsletter: { class: "marketing", purpose: "news" } },
});

/** An application whose rows are found by exactly one spelling. */
function application(...emails: string[]) {
  const own = new Set(emails);
  const app = ownData({
    by: "email",
    erase: async (email) => own.delete(email),
    holds: async (email) => own.has(email),
  });
  return { own, ...createTestHeed({ policy, processors: { app } }) };
}

const open = { right: "erasure", identity: "signed-in" } as const;

describe("an erasure of the application's own rows", () => {
  it.each([
    ["as the application writes it", "Anna@Example.ORG", "Anna@Example.ORG"],
    ["with spaces around it in the call", " Anna@Example.ORG ", "Anna@Example.ORG"],
    ["with a domain in letters", "anna@räka.example", "anna@räka.example"],
    ["with a domain in letters, named by its A-label", "anna@xn--rka-qla.example", "anna@räka.example"],
    ["with a domain in letters, capitals in the call", "Anna@Räka.example", "anna@räka.example"],
    ["in lower case", "ANNA@example.org", "anna@example.org"],
    ["with the letters not composed", "anna@ra\u0308ka.example", "anna@ra\u0308ka.example"],
  ])("finds a row %s", async (_what, named, stored) => {
    const { heed, own, settle } = application(stored, "ben@example.org");
    const { id } = await heed.requests.open({ ...open, subject: { email: named } });
    await settle();
    expect([...own]).toEqual(["ben@example.org"]);
    expect((await heed.requests.get(id)).state).toBe("fulfilled");
  });

  it("finds a row by a spelling that an earlier call named", async () => {
    const { heed, own, settle } = application("Anna@Example.ORG");
    await heed.subjects.record({ subject: { email: "Anna@Example.ORG" }, identityVerified: true });
    await heed.requests.open({ ...open, subject: { email: "anna@example.org" } });
    await settle();
    expect(own.size).toBe(0);
  });

  it("stores no spelling in the clear, and writes none twice", async () => {
    const { heed, search } = application();
    const subject = { email: "Canary@Räka.example" };
    expect(await heed.subjects.record({ subject, identityVerified: true })).toEqual({ changed: true });
    expect(await heed.subjects.record({ subject, identityVerified: true })).toEqual({ changed: false });
    expect(await search("canary")).toEqual([]);
  });
});
