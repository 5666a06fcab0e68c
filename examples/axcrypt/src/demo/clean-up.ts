import type { Accounts, Left } from "../accounts/accounts.ts";
import { drainWithin } from "./drain.ts";
import { openErasures, type Erasure } from "./erasures.ts";
import { heading, note, outcomeOf, table } from "./show.ts";
import type { Stage } from "./stage.ts";

const dayMs = 86_400_000;

/** Erases whoever is left, by heed as everybody else, and tells what remains. */
export async function cleanUp(stage: Stage<Accounts>, before: readonly Erasure[]): Promise<void> {
  const { town, heed, clock, people, mustHold } = stage;
  heading("10  Cleaned up: nobody pays any more, and everybody is erased");
  await town.endPaidService();
  // Whoever pays is looked at again a day later.
  clock.skip(dayMs);
  const rest = people.flatMap(({ email }) => (before.some((each) => each.email === email) ? [] : email));
  const erasures = [...before, ...(await openErasures(stage, rest))];
  await drainWithin(heed, clock, town.pace.patienceMs);
  const rows: string[][] = [];
  for (const { email, id } of erasures) {
    const { state, steps } = await heed.requests.get(id);
    const isOver = state === "fulfilled" || state === "partially_fulfilled";
    mustHold("In the end every erasure is over.", isOver);
    rows.push([
      email,
      state.replaceAll("_", " "),
      ...steps.flatMap((step) => (isOver ? [] : outcomeOf(step))),
    ]);
  }
  table(
    ["person", "erasure"],
    rows.map((row) => [row[0] ?? "", row.slice(1).join(", ")]),
  );
  const left = await town.left();
  mustHold("In the end HubSpot has no contact of this run.", left.hubspot.length === 0);
  for (const { email } of people)
    mustHold("In the end Stripe stores no card of this run.", (await town.countCards(email)) === 0);
  heading("11  What remains of this run");
  showLeft(left);
  note("HubSpot keeps the addresses of erased contacts on its blocklist, in a form that cannot be read.");
  note(
    "Stripe keeps the customers with invoices and charges, without cards, as the policy says: part 9. It has them in test mode alone, where all test data can be deleted from its dashboard.",
  );
}

/** Tells what is left at the vendors. */
export function showLeft({ hubspot, stripe }: Left): void {
  table(
    ["at", "left"],
    [
      ["HubSpot", hubspot.join("\n") || "nothing"],
      ["Stripe", stripe.join("\n") || "nothing"],
    ],
  );
}
