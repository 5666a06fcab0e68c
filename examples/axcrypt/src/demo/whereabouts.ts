import type { RequestView } from "@heed/core";
import { searchEverywhere, type Places, type Sightings } from "../search.ts";
import type { Erasure } from "./erasures.ts";
import { keptParts } from "./kept.ts";
import { good, heading, note, outcomeOf, table, waiting } from "./show.ts";
import type { Stage } from "./stage.ts";

/** The places that are searched, and what the tables call them. */
const places = {
  hubspot: "HubSpot",
  stripe: "Stripe",
  application: "application",
  heedOpened: "heed, opened",
  heedBytes: "heed's bytes",
  logs: "logs",
} as const satisfies Record<keyof Sightings, string>;
const placeNames = Object.keys(places) as (keyof Sightings)[];

/** What of Stripe's objects each kept category covers. */
const coveredBy: Readonly<Record<string, string>> = {
  customer: "billing-profile",
  invoice: "invoices",
  charge: "charges",
  // A detached card can never be charged again; Stripe keeps its record with the payments made by it, and says so.
  payment_method: "payment-methods",
};

const placesOf = ({ town, application, storage, keyring, files }: Stage): Places => ({
  town,
  application,
  storage,
  keys: keyring,
  heedFile: files.heed,
  logs: [application.accessLog, ...files.logs],
});

/** What is searched for: every address of theirs, and the name. */
const textsOf = ({ email, person }: Erasure): readonly string[] => [
  email,
  ...(person?.alsoAtHubspot ?? []),
  ...(person === undefined ? [] : [surname(person.name)]),
];
/** Searched for in bytes too, so the people of the demo have long ones: four letters come up in any megabyte of digests. */
const surname = (name: string) => name.split(" ").at(-1) ?? name;

/** Searches every place for everybody before anything is destroyed: each search must find the person. */
export async function showBefore(
  stage: Stage,
  erasures: readonly Erasure[],
): Promise<ReadonlyMap<string, Sightings>> {
  const before = new Map<string, Sightings>();
  for (const erasure of erasures) {
    const { email, person } = erasure;
    for (const text of textsOf(erasure)) {
      const seen = await searchEverywhere(placesOf(stage), text);
      before.set(text, seen);
      const isAddress = text.includes("@");
      const knows = {
        hubspot: person?.isHubspotContact ?? false,
        stripe: (person?.stripe.length ?? 0) > 0 && !person?.alsoAtHubspot.includes(text),
        application: (person?.hasAccount ?? false) && !person?.alsoAtHubspot.includes(text),
        logs: (person?.hasAccount ?? false) && (text === email || seen.logs.length > 0),
        // heed and the log are told no names; that one is part of an address is by chance.
        heedOpened: isAddress || seen.heedOpened.length > 0,
      };
      for (const place of ["hubspot", "stripe", "application", "heedOpened", "logs"] as const) {
        stage.mustHold(
          `Before: the search of ${places[place]} finds whom it holds.`,
          seen[place].length > 0 === knows[place],
        );
      }
    }
  }
  heading("5  Where they are, before");
  table(
    ["searched for", ...placeNames.map((name) => places[name])],
    [...before].map(([text, seen]) => [
      text,
      ...placeNames.map((place) => (seen[place].length === 0 ? "-" : `${seen[place].length} found`)),
    ]),
  );
  return before;
}

/** What happened, per person and processor. */
export async function showOutcomes(
  { heed }: Stage,
  erasures: readonly Erasure[],
): Promise<ReadonlyMap<string, RequestView>> {
  const requests = new Map<string, RequestView>();
  for (const { email, id } of erasures) requests.set(email, await heed.requests.get(id));
  heading("7  What happened, per person and processor");
  note(
    "✓: reading back showed that all is as asked. absent: nothing had been there. retained: all but what part 9 lists.",
  );
  note("Send log: which kinds of mails were sent. Lists and contact: HubSpot. Cards: Stripe.");
  table(
    ["person", "request", "application", "send log", "lists", "contact", "cards", "heed"],
    [...requests].map(([email, { state, steps }]) => {
      const at = (processor: string, operation: string) => {
        const step = steps.find((each) => each.processor === processor && each.operation === operation);
        return step === undefined ? "-" : outcomeOf(step);
      };
      return [
        email,
        state.replaceAll("_", " "),
        at("app", "erase"),
        at("mail", "erase"),
        at("crm", "unsubscribe"),
        at("crm", "erase"),
        at("billing", "forgetTokens"),
        at("heed", "erase"),
      ];
    }),
  );
  return requests;
}

/** Searches again: nothing is left but what is kept, by category, reason and date. */
export async function showAfter(
  stage: Stage,
  erasures: readonly Erasure[],
  before: ReadonlyMap<string, Sightings>,
  requests: ReadonlyMap<string, RequestView>,
): Promise<void> {
  const { mustHold, files } = stage;
  const rows: string[][] = [];
  const unfinished: string[] = [];
  for (const erasure of erasures) {
    const request = requests.get(erasure.email);
    const isOver = request?.state === "fulfilled" || request?.state === "partially_fulfilled";
    const kept = new Set(request?.steps.flatMap((step) => step.retained.map(({ category }) => category)));
    mustHold(
      "Every erasure is over, but for somebody who still pays.",
      isOver !== (erasure.person?.stripe.some(({ paying }) => paying) ?? false),
    );
    if (!isOver) unfinished.push(erasure.email);
    for (const text of textsOf(erasure)) {
      const seen = await searchEverywhere(placesOf(stage), text);
      rows.push([
        text,
        ...placeNames.map((place) =>
          change(before.get(text)?.[place], seen[place], isOver && place === "stripe"),
        ),
      ]);
      mustHold(
        "After: nothing is left at HubSpot and in the application.",
        seen.hubspot.length + seen.application.length === 0,
      );
      mustHold(
        "After: nothing is left in heed's bytes and logs.",
        seen.heedBytes.length + seen.logs.length === 0,
      );
      if (!isOver) continue;
      mustHold("After: nothing is left in heed's file, opened with its keys.", seen.heedOpened.length === 0);
      mustHold(
        "After: Stripe holds only what is named as kept.",
        seen.stripe.every((object) => kept.has(coveredBy[object] ?? "")),
      );
    }
  }
  // A search that cannot find anything would prove nothing.
  const control = await searchEverywhere(placesOf(stage), "verified");
  mustHold(
    "The searches of bytes and logs can find something.",
    control.heedBytes.length > 0 && control.logs.length === files.logs.length,
  );
  heading("8  Where they are, after");
  note(
    "heed's file is searched twice: as bytes, and opened with its keys. Logs: the application's and heed's.",
  );
  table(["searched for", ...placeNames.map((name) => places[name])], rows);
  note(
    "Left out: the input files (examples/axcrypt/input) and the mail sink, which hold what people sent and got.",
  );
  for (const email of unfinished)
    note(
      `Not over: ${email} still pays. The cards stay until the subscription ends; until then heed keeps what it needs to go on.`,
    );
  heading("9  What is kept, by category, reason and date");
  table(
    ["processor", "category", "reason", "law", "until", "of"],
    keptParts(requests).map(({ processor, category, reason, law, until, emails }) => [
      processor,
      category,
      reason,
      law,
      until,
      emails.join("\n"),
    ]),
  );
}

function change(was: readonly string[] | undefined, is: readonly string[], isKept: boolean): string {
  if (is.length > 0) return waiting(isKept ? `${is.length} kept` : `${was?.length ?? 0} → ${is.length}`);
  return was !== undefined && was.length > 0 ? good(`${was.length} → 0`) : "-";
}
