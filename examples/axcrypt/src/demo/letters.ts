import { good, heading, note, table, waiting } from "./show.ts";
import type { Stage } from "./stage.ts";

/** Everybody signs up, as the input file says. */
export async function signUpEverybody({ people, town, application, heed }: Stage): Promise<void> {
  for (const person of people) {
    await town.settle(person, application);
    if (!person.consents) continue;
    await heed.consent.give({
      subject: { email: [person.email, ...person.alsoAtHubspot] },
      purpose: "direct-marketing",
      evidence: { noticeVersion: "2026-01", language: "en" },
      method: "checkbox",
      identityVerified: true,
    });
  }
  heading("1  The people");
  table(
    ["person", "account", "HubSpot", "Stripe customers (cards)", "consent"],
    people.map((person) => [
      person.email,
      person.hasAccount ? "yes" : "-",
      person.isHubspotContact ? ["yes", ...person.alsoAtHubspot].join(", also ") : "-",
      person.stripe.map(({ cards, paying }) => `${cards}${paying ? ", paying" : ""}`).join(" + ") || "-",
      person.consents ? good("given") : "never asked",
    ]),
  );
}

/** A newsletter, one click, and the next newsletter: refused for exactly that person and topic. */
export async function sendNewsletters(stage: Stage): Promise<void> {
  const { people, wishes, heed, mustHold } = stage;
  const first = await sendToAll(stage, "newsletter", "november");
  const clicker = wishes.find(({ wish }) => wish === "one-click")?.email ?? "";
  const link = stage.oneClickLink(clicker);
  // Without it there is nothing to click, and nothing of what follows would show anything.
  if (link === "") throw new Error(`No letter has left: the mail server says "${first.get(clicker)}".`);
  // A link scanner opens every link of a mail before the person sees it.
  const scanned = await fetch(link);
  const { state } = await heed.subscriptions.state({ subject: { email: clicker }, topic: "newsletter" });
  const body = new URLSearchParams({ "List-Unsubscribe": "One-Click" });
  const clicked = await fetch(link, { method: "POST", body, redirect: "error" });
  const second = await sendToAll(stage, "newsletter", "december");
  const offers = await sendToAll(stage, "offers", "december");

  heading("2  The newsletter, before and after one click");
  note(
    `A link scanner GETs ${clicker}'s link: ${scanned.status}, still ${state}. The one-click POST: ${clicked.status}.`,
  );
  const paint = (outcome = "") => (outcome === "accepted" ? good(outcome) : waiting(outcome));
  table(
    ["person", "newsletter november", "newsletter december", "offers december"],
    people.map(({ email }) => [
      email,
      paint(first.get(email)),
      paint(second.get(email)),
      paint(offers.get(email)),
    ]),
  );
  mustHold("A link scanner changes nothing.", state === "given");
  for (const { email } of people) {
    const isNewlyRefused = first.get(email) === "accepted" && second.get(email) !== "accepted";
    mustHold(
      "The next newsletter is refused for exactly the person who clicked.",
      isNewlyRefused === (email === clicker),
    );
    mustHold("The click leaves other topics untouched.", first.get(email) === offers.get(email));
  }
}

async function sendToAll(
  { people, post }: Stage,
  topic: "newsletter" | "offers",
  issue: string,
): Promise<ReadonlyMap<string, string>> {
  const outcomes = new Map<string, string>();
  for (const { email } of people) outcomes.set(email, await post(topic, email, `${topic}-${issue}`));
  return outcomes;
}
