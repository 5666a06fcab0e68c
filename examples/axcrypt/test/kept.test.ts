import { expect, it, onTestFinished } from "vitest";
import { keptParts } from "../src/demo/kept.ts";
import { scene } from "./scene.ts";

it("names what a processor keeps of a person once, whichever of its steps tell of it", async () => {
  const { heed, person, settle, close } = await scene();
  onTestFinished(close);
  const emails = ["anna@example.se", "bo@example.se"];
  const requests = new Map<string, Awaited<ReturnType<typeof heed.requests.get>>>();
  for (const email of emails) {
    const subject = await person(email, { stripe: [{ cards: 1, paying: false }] });
    const { id } = await heed.requests.open({ right: "erasure", subject, identity: "signed-in" });
    await settle();
    requests.set(email, await heed.requests.get(id));
  }
  const told = requests.get("anna@example.se")?.steps.flatMap(({ retained }) => retained) ?? [];
  const byPolicy = ["billing-profile", "charges", "invoices"];
  const categories = [...byPolicy, "payment-methods"];
  expect(told.map(({ category }) => category).toSorted()).toEqual([...byPolicy, ...categories].toSorted());
  const kept = keptParts(requests).map(({ processor, category, emails: of }) => ({
    processor,
    category,
    of,
  }));
  expect(kept).toHaveLength(categories.length);
  for (const category of categories)
    expect(kept).toContainEqual({ processor: "billing", category, of: emails });
});
