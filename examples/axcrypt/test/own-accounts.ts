import { mailServer, type MailServer } from "@heed/mailer/testing";
import { onTestFinished, vi } from "vitest";
import type { Answer } from "../src/demo/ask.ts";
import { demonstrate } from "../src/demo/demonstrate.ts";
import { buildStandIns } from "../src/stand-ins.ts";

/** What must never be printed, beside Stripe's key. */
const hubspotToken = "pat-eu1-token-canary";
const auth = { user: "me@acme.example", pass: "smtp-canary" };

type StandInOptions = NonNullable<Parameters<typeof buildStandIns>[0]>;

/** Stand-ins in the place of somebody's own accounts, which have other subscription types than the example. */
export async function ownAccounts({
  mailFaults = [],
  ...hubspot
}: NonNullable<StandInOptions["hubspot"]> & {
  mailFaults?: NonNullable<Parameters<typeof mailServer>[0]>["faults"];
} = {}) {
  const definitions = ["901", "902", "903"].map((id) => ({ id }));
  const standIns = await buildStandIns({ hubspot: { accessToken: hubspotToken, definitions, ...hubspot } });
  const mail: MailServer = await mailServer({ auth, faults: mailFaults });
  const printed: string[] = [];
  const asked: string[] = [];
  const listeners: ((line: string) => void)[] = [];
  for (const say of ["log", "error"] as const) {
    vi.spyOn(console, say).mockImplementation((line) => {
      printed.push(String(line));
      for (const listen of listeners) listen(String(line));
    });
  }
  onTestFinished(async () => {
    vi.restoreAllMocks();
    await Promise.all([standIns.close(), mail.close()]);
  });
  const { portal, stripe, vendors } = standIns;

  return {
    portal,
    stripe,
    mail,
    asked,
    output: () => printed.join("\n"),
    onPrint: (listen: (line: string) => void) => void listeners.push(listen),
    secrets: [hubspotToken, stripe.key, auth.pass],
    /** The calls that have changed something. What `check()` tries out is refused: it is about nobody. */
    changes: () => [
      ...portal.calls.filter(
        ({ method, route, answered }) =>
          method !== "GET" && !route.endsWith("batch/read") && typeof answered === "number" && answered < 300,
      ),
      ...stripe.writes().filter(({ status }) => status === undefined || status < 300),
    ],
    /** Plays the demo; only where the vendors are, and how fast, is not as it would be. */
    play: (
      args: string[],
      answer: Answer = "nobody",
      interrupted: AbortSignal = new AbortController().signal,
    ) =>
      demonstrate({
        env: {
          HUBSPOT_ACCESS_TOKEN: hubspotToken,
          STRIPE_API_KEY: stripe.key,
          SMTP_URL: `smtp://${encodeURIComponent(auth.user)}:${auth.pass}@${mail.host}:${mail.port}`,
        },
        args,
        ask: async (question) => {
          asked.push(question);
          return answer;
        },
        interrupted,
        elsewhere: {
          hubspot: vendors.hubspot.baseUrl ?? "",
          stripe: vendors.stripe.baseUrl ?? "",
          pace: { settlingMs: 100, leaseMs: 3_000, patienceMs: 60_000 },
        },
      }),
    /** People who are none of the demo's business; what the accounts hold of them, as text. */
    bystanders() {
      const emails = [auth.user, "me+heed-00000000-anna@acme.example", "anna.lindqvist@example.se"];
      const customers = emails.map((email) => {
        const properties = { firstname: "Anna", lastname: "Lindqvist" };
        const contact = portal.addContact({ email, properties });
        portal.addEngagement({ type: "notes", body: "Called.", contactIds: [contact] });
        portal.choose(email, "901", "SUBSCRIBED");
        const { id } = stripe.add.customer({ email, name: "Anna Lindqvist" });
        stripe.add.paymentMethod(id);
        stripe.add.source(id);
        stripe.add.invoice(id);
        stripe.add.subscription(id);
        return id;
      });
      return () =>
        JSON.stringify([
          emails.map((email) => portal.dossier(email)),
          customers.map((customer) => stripe.objectsOf(customer)),
        ]);
    },
  };
}
