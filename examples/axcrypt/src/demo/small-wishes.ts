import { drainWithin } from "./drain.ts";
import { heading, outcomeOf, table } from "./show.ts";
import type { Stage } from "./stage.ts";

/** A withdrawal, and cards of people who stopped paying: small enough to carry out in this process. */
export async function carryOutSmallWishes({
  people,
  wishes,
  town,
  heed,
  clock,
  mustHold,
}: Stage): Promise<void> {
  const opened: { readonly email: string; readonly what: string; readonly id: string }[] = [];
  for (const { email, wish } of wishes) {
    const subject = { email };
    if (wish === "withdraw") {
      const { id } = await heed.requests.open({
        right: "withdrawal",
        purpose: "direct-marketing",
        subject,
        identity: "signed-in",
      });
      opened.push({ email, what: "withdraws consent", id });
    }
    if (wish === "stopped-paying") {
      const { id } = await heed.paidService.ended({ subject });
      opened.push({ email, what: "forget my cards", id });
    }
  }
  await drainWithin(heed, clock, town.pace.patienceMs);
  const rows: string[][] = [];
  for (const { email, what, id } of opened) {
    for (const step of (await heed.requests.get(id)).steps) {
      rows.push([email, what, `${step.processor}: ${step.operation}`, outcomeOf(step)]);
    }
  }
  heading("3  A withdrawal, and cards to forget once nothing is owed");
  table(["person", "wish", "step", "outcome"], rows);
  for (const { email, wish } of wishes) {
    if (wish !== "stopped-paying") continue;
    const isPaying =
      people.find((person) => person.email === email)?.stripe.some(({ paying }) => paying) ?? false;
    mustHold(
      "Cards are gone exactly where nothing is owed.",
      (await town.countCards(email)) > 0 === isPaying,
    );
  }
}
