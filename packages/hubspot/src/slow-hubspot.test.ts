import { expect, it } from "vitest";
import { openCompany } from "../test/company.ts";

const people = Array.from({ length: 400 }, (_, at) => `p${at}@example.org`);
const asked = {
  erase: { right: "erasure" },
  // Nothing comes before it, so all of them go in one batch.
  exclude: { right: "objection", recipient: "crm" },
} as const;

/** Removes everybody from a HubSpot that takes so long for each answer: how many calls about people it took, and how long. */
async function removeAll(operation: keyof typeof asked, answerMs: number) {
  const { portal, heed, settle, rows } = openCompany({ tier: "enterprise" }, { answerMs });
  for (const email of people) {
    const id = portal.addContact({ email });
    portal.addEngagement({ type: "notes", body: `Note about ${email}`, contactIds: [id] });
    await heed.requests.open({ ...asked[operation], subject: { email }, identity: "signed-in" });
  }
  await settle();
  expect(portal.search("example.org").filter((place) => !place.startsWith("archived notes "))).toEqual([]);
  const steps = (await rows("steps")).filter(
    (step) => step.processor === "crm" && step.operation === operation,
  );
  expect(steps.map(({ state, tries }) => [state, tries])).toEqual(people.map(() => ["retained", 0]));
  expect(portal.calls.filter(({ answered }) => answered === 429)).toEqual([]);
  // The brands are asked for again each minute.
  const counted = Map.groupBy(
    portal.calls.filter(({ route }) => !route.endsWith("/definitions")),
    ({ route }) => route,
  );
  const deleted = counted.get("POST /crm/objects/:version/contacts/gdpr-delete") ?? [];
  const atMs = deleted.map(({ at }) => Date.parse(at));
  return {
    batches: counted.get("POST /crm/associations/:version/contacts/notes/batch/read")?.length,
    calls: Object.fromEntries([...counted].map(([route, some]) => [route, some.length])),
    deletions: deleted.length,
    deletionsTookMs: Math.max(...atMs) - Math.min(...atMs),
  };
}

// Of a batch 32 deletions are under way at once, so that 400 take a slow HubSpot 13 answers' time: minutes, in which the
// worker keeps its leases and waits. Giving up would repeat it all, person by person.
it.each([
  ["erase", 4],
  ["exclude", 1],
] as const)(
  "four hundred people to %s, in batches: %i, take a slow HubSpot no call more than a quick one",
  async (operation, batches) => {
    const quick = await removeAll(operation, 0);
    expect(quick).toMatchObject({ deletions: 400, batches });
    const slow = await removeAll(operation, 10_000);
    expect(slow.calls).toEqual(quick.calls);
    expect(slow.deletionsTookMs).toBeLessThan(13 * 10_000);
  },
  120_000,
);
