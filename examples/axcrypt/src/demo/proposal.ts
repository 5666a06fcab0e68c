import type { AccountCheck, Accounts } from "../accounts/accounts.ts";
import { Refusal } from "../refusal.ts";
import { bad, good, heading, note, table } from "./show.ts";
import type { Stage } from "./stage.ts";

/** What the demo carries out; what an account lacks for anything else is told and no obstacle. */
const needed: ReadonlySet<string> = new Set(["subscribe", "unsubscribe", "erase", "forgetTokens"]);

const lines = (texts: readonly string[]): string => texts.join("\n") || "-";
const listed = (texts: readonly string[]): string => lines([...new Set(texts)]);

/**
 * Shows which accounts these are, what would be made there and for whom, and what would then be done: by reading only.
 *
 * @throws Refusal when an account lacks what the demo needs, or has somebody with an address of this run
 */
export async function propose(stage: Stage<Accounts>): Promise<void> {
  const checks = await stage.town.check();
  showAccounts(checks);
  const lacking = checks.filter(
    ({ lacks, unknownTopics }) =>
      unknownTopics.length > 0 || lacks.some(({ operation }) => needed.has(operation)),
  );
  if (lacking.length > 0)
    throw new Refusal(
      `The demo needs what is lacking above at ${lacking.map(({ vendor }) => vendor).join(" and ")}.`,
    );
  showWhatIsMade(stage);
  await showWhatIsDone(stage);
  await refuseKnownAddresses(stage);
}

function showAccounts(checks: readonly AccountCheck[]): void {
  heading("The accounts, as check() proves them");
  table(
    ["at", "account", "lacks", "unknown topics"],
    checks.map(({ vendor, account, lacks, unknownTopics }) => [
      vendor,
      account,
      lacks.length === 0
        ? good("nothing")
        : listed(
            lacks.map(({ operation, needs }) =>
              needed.has(operation) ? bad(needs) : `${needs} (not used here)`,
            ),
          ),
      listed(unknownTopics),
    ]),
  );
  for (const { vendor, remarks = [] } of checks) for (const remark of remarks) note(`${vendor}: ${remark}`);
}

const wishes = {
  "one-click": "clicks the link of a newsletter",
  withdraw: "withdraws consent",
  "stopped-paying": "stopped paying: forget my cards",
  erase: "erase me",
} as const;

function showWhatIsMade({ people, wishes: wished }: Stage): void {
  heading("What would be made there, and for whom");
  const plural = (count: number, what: string) => `${count} ${what}${count === 1 ? "" : "s"}`;
  table(
    ["person", "HubSpot", "Stripe", "wishes"],
    [...new Set([...people, ...wished].map(({ email }) => email))].map((email) => {
      const person = people.find((each) => each.email === email);
      return [
        email,
        person?.isHubspotContact ? "a contact" : "-",
        lines(
          (person?.stripe ?? []).map(
            ({ cards, paying }) =>
              `a customer, ${plural(cards, "card")}${paying ? ", a subscription that runs" : ""}`,
          ),
        ),
        listed(wished.flatMap((each) => (each.email === email ? wishes[each.wish] : []))),
      ];
    }),
  );
  note(
    "Also a product at Stripe for the subscriptions, and letters: one to the mailbox itself, and up to three to each person.",
  );
}

/** In the end everybody is erased: to clean up, too. Nobody is there yet, so one preview is as good as another. */
async function showWhatIsDone({ people: [first], heed }: Stage): Promise<void> {
  const subject = { email: first?.email ?? "" };
  const { steps } = await heed.requests.preview({ right: "erasure", subject });
  heading("What would then be done, for these people alone");
  note("What they wish, and in the end an erasure of everybody, to clean up. Each erasure has these steps:");
  table(
    ["at", "step", "effects", "would be kept, if there"],
    steps.map(({ processor, operation, effects, keeps }) => [
      processor,
      operation,
      listed(effects),
      listed(keeps.map(({ category, until = "" }) => `${category} ${until}`.trim())),
    ]),
  );
  const obstacles = steps.flatMap(({ because = [] }) => because);
  if (obstacles.length > 0) throw new Refusal(`The accounts could not be looked into: ${listed(obstacles)}.`);
}

async function refuseKnownAddresses({ town }: Stage<Accounts>): Promise<void> {
  const { hubspot, stripe } = await town.left();
  if (hubspot.length + stripe.length > 0)
    throw new Refusal("Somebody in these accounts has an address of this run already.");
  note("None of these addresses is known there yet. Nobody else's record will be touched.");
}
