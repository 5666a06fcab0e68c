import type { SmtpOptions } from "@heed/mailer";
import { z } from "zod";
import { Refusal } from "../refusal.ts";

/** What opens the accounts that the demo is to work on. */
export interface Credentials {
  readonly hubspotToken: string;
  /** Of test mode. */
  readonly stripeKey: string;
  readonly smtp: SmtpOptions;
  /** Where all letters go, to addresses with a `+`. */
  readonly mailbox: string;
}

const variables = ["HUBSPOT_ACCESS_TOKEN", "STRIPE_API_KEY", "SMTP_URL"] as const;

/**
 * The credentials of the environment; undefined where none of the three variables is set.
 *
 * @throws Refusal when some of them are missing, when Stripe's key is not one of test mode, or when it is not
 *   known whose mailbox the letters may go to
 */
export function credentialsFrom(env: Readonly<Record<string, string | undefined>>): Credentials | undefined {
  const given = (name: string) => env[name]?.trim() ?? "";
  const missing = variables.filter((name) => given(name) === "");
  if (missing.length === variables.length) return undefined;
  if (missing.length > 0) {
    throw new Refusal(
      `Not set: ${missing.join(", ")}. Set ${variables.join(", ")} to work on these accounts, or none of them to work among stand-ins.`,
    );
  }
  const [hubspotToken, stripeKey, url] = variables.map(given) as [string, string, string];
  if (/^[sr]k_live_/.test(stripeKey)) {
    throw new Refusal(
      "STRIPE_API_KEY opens live mode. The demo stores cards for tries and ends subscriptions: give it a key of test mode (sk_test_…, rk_test_…).",
    );
  }
  if (!/^[sr]k_test_/.test(stripeKey)) {
    throw new Refusal(
      "STRIPE_API_KEY is not a secret or restricted key of test mode (sk_test_…, rk_test_…).",
    );
  }
  const smtp = smtpFrom(url);
  return { hubspotToken, stripeKey, smtp, mailbox: mailboxFrom(given("HEED_DEMO_EMAIL"), smtp) };
}

function smtpFrom(text: string): SmtpOptions {
  try {
    const { protocol, hostname, port, username, password } = new URL(text);
    const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
    if ((protocol !== "smtp:" && protocol !== "smtps:") || hostname === "") throw new TypeError("no SMTP");
    return {
      host: hostname,
      ...(port === "" ? {} : { port: Number(port) }),
      secure: protocol === "smtps:",
      ...(user === "" || pass === "" ? {} : { auth: { user, pass } }),
    };
  } catch {
    throw new Refusal(
      "SMTP_URL is not of the form smtp://user:password@host:port, or smtps:// for TLS from the first byte. Encode what is special in user and password (@ is %40).",
    );
  }
}

/** Real letters leave, so they go to whoever runs the demo, and never to an address that was made up. */
function mailboxFrom(given: string, { auth }: SmtpOptions): string {
  const mailbox = given === "" ? auth?.user : given;
  const parsed = z.email().max(200).safeParse(mailbox);
  if (parsed.success && parsed.data.indexOf("@") <= 40) return parsed.data;
  throw new Refusal(
    given === ""
      ? "Letters would really leave, and the login of SMTP_URL is no address: say in HEED_DEMO_EMAIL which mailbox of yours gets them."
      : "HEED_DEMO_EMAIL is not the address of a mailbox (at most 40 characters before the @).",
  );
}
