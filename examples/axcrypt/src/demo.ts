// AxCrypt's published policy, kept: newsletters, one click, withdrawals, cards, erasures, a crash, and a search.
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyring, newKey, type RequestView } from "@heed/core";
import { createMailer, type Mailer } from "@heed/mailer";
import { sqlite } from "@heed/sqlite";
import { listen, unsubscribeHandler } from "@heed/web";
import { openApplication } from "./application.ts";
import { createAxcrypt, type Axcrypt } from "./axcrypt.ts";
import { searchEverywhere, type Places, type Sightings } from "./search.ts";
import { bad, good, heading, note, progress, table, waiting } from "./show.ts";
import { buildTown, personSchema, readInput, wishSchema, type Person, type Town } from "./town.ts";
import { startWorker } from "./worker-process.ts";

const settlingMs = 400;
const leaseMs = 3_000;
const failures: string[] = [];

/** The places that are searched, and what the tables call them. */
const placeNames = ["hubspot", "stripe", "application", "heedOpened", "heedBytes", "logs"] as const;
const placeHeads = [
  "HubSpot",
  "Stripe",
  "application",
  "heed, opened with its keys",
  "heed's bytes",
  "heed's logs",
];

/** What must hold at the end of the demo; a demo that shows something untrue exits with 1. */
function mustHold(what: string, holds: boolean): void {
  if (!holds) failures.push(what);
}

const folder = await mkdtemp(join(tmpdir(), "heed-demo-"));
const heedFile = join(folder, "heed.db");
const applicationFile = join(folder, "app.db");
const keys = newKey();
const people = await readInput("people.json", personSchema);
const wishes = await readInput("wishes.json", wishSchema);
const application = openApplication(applicationFile);
const town = await buildTown({ hubspot: { lagMs: 150 } });
const storage = sqlite(heedFile);
const heed = createAxcrypt({ storage, keys: keyring(keys), application, vendors: town.vendors, settlingMs });
const web = await listen(
  unsubscribeHandler({ links: heed.links, controller: "AxCrypt AB", contact: "support@axcrypt.net" }),
);
const mailer = createMailer({
  permits: heed.permits,
  transport: { host: town.mail.host, port: town.mail.port },
  from: { name: "AxCrypt", address: "news@axcrypt.example" },
  dkim: {
    domain: "axcrypt.example",
    selector: "s1",
    privateKey: generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey,
  },
  unsubscribe: { url: `${web.url}/u` },
});

try {
  console.log("heed: AxCrypt's published privacy policy, carried out and read back.");
  note(
    `HubSpot at ${town.vendors.hubspot.url}, Stripe at ${town.vendors.stripe.url} (stateful stand-ins), SMTP at ${town.mail.host}:${town.mail.port}`,
  );
  await signUpEverybody();
  await newsletters();
  await smallWishes();
  const erasures = await openErasures();
  const places: Places = {
    town,
    application,
    storage,
    keys: keyring(keys),
    heedFile,
    logs: [join(folder, "worker-1.log"), join(folder, "worker-2.log")],
  };
  const before = await showBefore(places, erasures);
  await carryOutWithACrash(erasures);
  const requests = await showOutcomes(erasures);
  await showAfter(places, erasures, before, requests);
} finally {
  await mailer.close();
  await web.close();
  await heed.close();
  await town.close();
  application.close();
  await rm(folder, { recursive: true });
}

if (failures.length > 0) {
  heading(bad("This did not hold:"));
  for (const failure of failures) console.log(`  - ${failure}`);
  process.exitCode = 1;
} else {
  heading(
    good("Every erased person was found before, and nothing is left of them but what the tables above name."),
  );
}

async function signUpEverybody(): Promise<void> {
  for (const person of people) {
    town.settle(person, application);
    if (!person.consents) continue;
    const subject = { email: [person.email, ...person.alsoAtHubspot] };
    await heed.consent.give({
      subject,
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
      person.isHubspotContact
        ? `yes${person.alsoAtHubspot.length > 0 ? `, also ${person.alsoAtHubspot.join(", ")}` : ""}`
        : "-",
      person.stripe.map(({ cards, paying }) => `${cards}${paying ? ", paying" : ""}`).join(" + ") || "-",
      person.consents ? good("given") : "never asked",
    ]),
  );
}

async function sendNewsletter(
  issue: string,
  topic: "newsletter" | "offers" | "product-info" = "newsletter",
): Promise<ReadonlyMap<string, string>> {
  const outcomes = new Map<string, string>();
  for (const { email } of people) {
    const outcome = await letter(mailer, topic, email, `${topic}-${issue}`);
    outcomes.set(email, outcome);
  }
  return outcomes;
}

async function letter(
  by: Mailer<"newsletter" | "offers" | "product-info" | "account-notice">,
  topic: "newsletter" | "offers" | "product-info",
  to: string,
  messageKey: string,
): Promise<string> {
  const outcome = await by.send({
    topic,
    to,
    messageKey,
    message: {
      subject: "News from AxCrypt",
      text: "There is news.\n\nUnsubscribe: {{unsubscribe}}\n",
      html: '<p>There is news.</p><p><a href="{{unsubscribe}}">Unsubscribe</a></p>',
    },
  });
  return outcome.status === "blocked" ? `refused: ${outcome.because}` : outcome.status;
}

async function newsletters(): Promise<void> {
  const first = await sendNewsletter("november");
  const clicker = wishes.find(({ wish }) => wish === "one-click")?.email ?? "";
  const link = oneClickLink(town, clicker);
  // A link scanner opens every link of a mail before the person sees it.
  const scanned = await fetch(link);
  const afterScan = await heed.subscriptions.state({ subject: { email: clicker }, topic: "newsletter" });
  const clicked = await fetch(link, {
    method: "POST",
    body: new URLSearchParams({ "List-Unsubscribe": "One-Click" }),
    redirect: "error",
  });
  const second = await sendNewsletter("december");
  const offers = await sendNewsletter("december", "offers");
  heading("2  The newsletter, before and after one click");
  note(
    `A link scanner GETs ${clicker}'s link: ${scanned.status}, still ${afterScan.state}. The one-click POST: ${clicked.status}.`,
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
  mustHold("a link scanner changes nothing", afterScan.state === "given");
  for (const { email } of people) {
    const isRefusedNow = first.get(email) === "accepted" && second.get(email) !== "accepted";
    mustHold(
      `the next newsletter is refused for exactly the person who clicked (${people.findIndex((each) => each.email === email)})`,
      isRefusedNow === (email === clicker),
    );
    mustHold("other topics are untouched by the click", first.get(email) === offers.get(email));
  }
}

function oneClickLink({ mail }: Town, to: string): string {
  const message = mail.messages.findLast(({ envelope }) =>
    envelope.to.some((address) => address.toLowerCase() === to.toLowerCase()),
  );
  const header = message?.headers.find(({ name }) => name === "list-unsubscribe")?.value ?? "";
  return /<(https?:[^>]+)>/.exec(header)?.[1] ?? "";
}

/** Withdrawals and cards: small enough to carry out in this process. */
async function smallWishes(): Promise<void> {
  const rows: string[][] = [];
  const open: { email: string; what: string; id: string }[] = [];
  for (const { email, wish } of wishes) {
    const subject = { email };
    if (wish === "withdraw") {
      const { id } = await heed.requests.open({
        right: "withdrawal",
        purpose: "direct-marketing",
        subject,
        identity: "signed-in",
      });
      open.push({ email, what: "withdraws consent", id });
    }
    if (wish === "stopped-paying") {
      const { id } = await heed.paidService.ended({ subject });
      open.push({ email, what: "stopped paying", id });
    }
  }
  await drainWithin(heed, 10_000);
  for (const { email, what, id } of open) {
    for (const step of (await heed.requests.get(id)).steps)
      rows.push([email, what, `${step.processor}: ${step.operation}`, outcomeOf(step)]);
  }
  heading("3  A withdrawal, and cards of people who stopped paying");
  table(["person", "", "step", "outcome"], rows);
  for (const { email, wish } of wishes) {
    if (wish !== "stopped-paying") continue;
    const customers = town.stripe.search(email).flatMap(({ customer }) => customer ?? []);
    const isPaying =
      people.find((person) => person.email === email)?.stripe.some(({ paying }) => paying) ?? false;
    const cards = customers.flatMap((customer) => town.stripe.credentialsOf(customer));
    mustHold("cards are gone exactly where nothing is owed", (cards.length === 0) === !isPaying);
  }
}

/** Works in this process until nothing is due within a few seconds. */
async function drainWithin(by: Axcrypt, withinMs: number): Promise<void> {
  for (;;) {
    const { nextAt } = await by.work.drain();
    const waitMs = nextAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(nextAt) - Date.now();
    if (waitMs > withinMs) return;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)));
  }
}

interface Erasure {
  readonly email: string;
  readonly person: Person | undefined;
  readonly id: string;
}

async function openErasures(): Promise<readonly Erasure[]> {
  const rows: string[][] = [];
  const erasures: Erasure[] = [];
  for (const { email, wish } of wishes) {
    if (wish !== "erase") continue;
    const person = people.find((each) => each.email.toLowerCase() === email.toLowerCase());
    const subject = { email };
    const preview = await heed.requests.preview({ right: "erasure", subject });
    const { id, dueOn } = await heed.requests.open({
      right: "erasure",
      subject,
      identity: "signed-in",
      preview,
    });
    erasures.push({ email, person, id });
    const found = (processor: string, operation: string) =>
      String(
        preview.steps.find((step) => step.processor === processor && step.operation === operation)?.found ??
          "-",
      );
    rows.push([
      email,
      found("crm", "erase"),
      found("billing", "forgetTokens"),
      [...new Set(preview.steps.flatMap((step) => step.effects))].join(", "),
      dueOn,
    ]);
  }
  heading("4  Erasures, previewed before anything is destroyed");
  table(["person", "HubSpot contacts", "Stripe customers", "effects", "due by"], rows);
  return erasures;
}

async function showBefore(
  places: Places,
  erasures: readonly Erasure[],
): Promise<ReadonlyMap<string, Sightings>> {
  const before = new Map<string, Sightings>();
  for (const { email, person } of erasures) {
    const seen = await searchEverywhere(places, email);
    before.set(email, seen);
    mustHold(
      "before: HubSpot holds its contacts",
      seen.hubspot.length > 0 === (person?.isHubspotContact ?? false),
    );
    mustHold(
      "before: Stripe holds its customers",
      seen.stripe.length > 0 === (person?.stripe.length ?? 0) > 0,
    );
    mustHold(
      "before: the application holds its accounts",
      seen.application.length > 0 === (person?.hasAccount ?? false),
    );
    mustHold("before: heed's file, opened with its keys, holds everybody", seen.heedOpened.length > 0);
  }
  heading("5  Where they are, before");
  table(
    ["searched for", ...placeHeads],
    erasures.map(({ email }) => [
      email,
      ...placeNames.map((place) => count(before.get(email)?.[place] ?? [])),
    ]),
  );
  return before;
}

function count(found: readonly string[]): string {
  return found.length === 0 ? "-" : String(found.length);
}

/** A worker process carries the erasures out; in the middle of it, it is dropped dead, and another goes on. */
async function carryOutWithACrash(erasures: readonly Erasure[]): Promise<void> {
  const config = { heedFile, applicationFile, vendors: town.vendors, settlingMs, leaseMs };
  const stepsOf = async () =>
    (await Promise.all(erasures.map(({ id }) => heed.requests.get(id)))).flatMap(({ steps }) => steps);
  const total = (await stepsOf()).length;
  const isIdle = async () =>
    (await stepsOf()).every(
      (step) =>
        step.state !== "running" &&
        (step.state !== "due" || Date.parse(step.nextAt ?? "") - Date.now() > 60_000),
    );
  heading("6  Carried out by a worker process, dropped dead in the middle");
  const ended = new Set<string>();
  const line = progress();
  let killAt: (() => void) | undefined;
  const reached = new Promise<void>((resolve) => (killAt = resolve));
  const onStep = ({
    stepId,
    processor,
    operation,
    state,
  }: {
    stepId: string;
    processor: string;
    operation: string;
    state: string;
  }) => {
    if (state !== "due") ended.add(stepId);
    line.tell(ended.size, total, `${processor}: ${operation}`);
    if (ended.size >= Math.floor(total / 3)) killAt?.();
  };
  const first = startWorker(config, keys, join(folder, "worker-1.log"), onStep);
  await reached;
  await first.kill();
  line.end();
  const left = (await stepsOf()).filter(
    ({ state }) => state === "running" || state === "due" || state === "waiting",
  );
  note(
    `  worker ${first.pid} was killed with SIGKILL: ${left.length} steps are open, ${left.filter(({ state }) => state === "running").length} were in its hands. Another worker takes over.`,
  );
  const second = startWorker(config, keys, join(folder, "worker-2.log"), onStep);
  while (!(await isIdle())) await new Promise((resolve) => setTimeout(resolve, 100));
  await second.stop();
  line.end();
}

type Step = RequestView["steps"][number];

function outcomeOf(step: Step): string {
  if (step.state === "verified")
    return good(`${step.outcome === "absent" ? "nothing there" : "done"}, read back`);
  if (step.state === "retained") return good(`done, read back; keeps ${step.retained.length} categories`);
  if (step.state === "due") return waiting(`waits: ${step.because ?? ""}`);
  if (step.state === "waiting") return waiting("goes last");
  return bad(`${step.state}: ${step.because ?? ""}`);
}

async function showOutcomes(erasures: readonly Erasure[]): Promise<ReadonlyMap<string, RequestView>> {
  const requests = new Map<string, RequestView>();
  for (const { email, id } of erasures) requests.set(email, await heed.requests.get(id));
  heading("7  What happened, per person and processor");
  table(
    ["person", "request", "application", "HubSpot", "Stripe", "heed itself"],
    erasures.map(({ email }) => {
      const request = requests.get(email);
      const at = (processor: string) =>
        request?.steps.filter((step) => step.processor === processor).map(outcomeOf) ?? [];
      return [
        email,
        request?.state.replaceAll("_", " ") ?? "",
        at("app").join("\n"),
        at("crm").at(-1) ?? "",
        at("billing").join("\n"),
        at("heed").join("\n"),
      ];
    }),
  );
  return requests;
}

async function showAfter(
  places: Places,
  erasures: readonly Erasure[],
  before: ReadonlyMap<string, Sightings>,
  requests: ReadonlyMap<string, RequestView>,
): Promise<void> {
  const rows: string[][] = [];
  const retained: string[][] = [];
  const unfinished: string[] = [];
  for (const { email, person } of erasures) {
    const request = requests.get(email);
    const isOver = request?.state === "fulfilled" || request?.state === "partially_fulfilled";
    const kept = request?.steps.flatMap((step) => step.retained) ?? [];
    const isStillPaying = person?.stripe.some(({ paying }) => paying) ?? false;
    mustHold("every erasure is over, but for somebody who still pays", isOver === !isStillPaying);
    if (!isOver) unfinished.push(email);
    for (const text of [email, ...(person?.alsoAtHubspot ?? [])]) {
      const seen = await searchEverywhere(places, text);
      rows.push([text, ...placeNames.map((place) => shrink(before.get(text)?.[place], seen[place]))]);
      mustHold(
        "after: nothing in heed's bytes and logs",
        seen.heedBytes.length === 0 && seen.logs.length === 0,
      );
      mustHold(
        "after: nothing at HubSpot and in the application",
        seen.hubspot.length === 0 && seen.application.length === 0,
      );
      if (!isOver) continue;
      mustHold("after: nothing in heed's file, opened with its keys", seen.heedOpened.length === 0);
      const namedBy: Record<string, string> = {
        customer: "billing-profile",
        invoice: "invoices",
        charge: "charges",
        payment_method: "detached-cards",
      };
      mustHold(
        "after: Stripe holds only what is named as kept",
        seen.stripe.every((object) => kept.some(({ category }) => category === namedBy[object])),
      );
    }
    for (const { category, reason, law = "-", until = "-" } of kept)
      retained.push([email, category, reason, law, until]);
  }
  const control = await searchEverywhere(places, "step");
  mustHold(
    "the searches of logs and bytes can find something",
    control.logs.length === 2 && (await searchEverywhere(places, "direct-marketing")).heedBytes.length > 0,
  );
  heading("8  Where they are, after");
  table(["searched for", ...placeHeads], rows);
  note(
    `Left out: the input files (input/*.json) and the mail sink, which hold what people themselves sent and got.`,
  );
  if (unfinished.length > 0)
    note(
      `Not over: ${unfinished.join(", ")} still pays. The cards stay until the subscription ends, and heed's own record until then.`,
    );
  heading("9  What is kept, by category, reason and date");
  table(["person", "category", "reason", "law", "until"], retained);
}

function shrink(was: readonly string[] | undefined, is: readonly string[]): string {
  if (is.length > 0) return waiting(`${was?.length ?? 0} → ${is.length}`);
  return was !== undefined && was.length > 0 ? good(`${was.length} → 0`) : "-";
}
