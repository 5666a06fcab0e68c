import { describe, expect, it } from "vitest";
import { castAt } from "../src/accounts/cast.ts";
import { credentialsFrom } from "../src/accounts/credentials.ts";
import { readCast } from "../src/people.ts";

const all = {
  HUBSPOT_ACCESS_TOKEN: "pat-eu1-canary",
  STRIPE_API_KEY: "sk_test_canary",
  SMTP_URL: "smtps://me%40acme.example:canary@mail.acme.example",
};
type Name = keyof typeof all;
const names = Object.keys(all) as Name[];
const some = names.flatMap((name, at) => [[name], names.filter((_, other) => other !== at)]);

/** What it is refused with. */
function refusalOf(env: Parameters<typeof credentialsFrom>[0]): string {
  try {
    credentialsFrom(env);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

describe("the variables of accounts", () => {
  it("are not asked for: without any of them there are none, and an empty one is none", () => {
    expect(credentialsFrom({})).toBeUndefined();
    expect(credentialsFrom({ HUBSPOT_ACCESS_TOKEN: "", SMTP_URL: " " })).toBeUndefined();
    expect(credentialsFrom({ HEED_DEMO_EMAIL: "me@acme.example" })).toBeUndefined();
  });

  it.each(some)("are refused when only some are set: %s %s", (...set) => {
    for (const unset of [undefined, "", " "]) {
      const env = Object.fromEntries(names.map((name) => [name, set.includes(name) ? all[name] : unset]));
      const refusal = refusalOf(env);
      const missing = /^Not set: (.*?)\. /.exec(refusal)?.[1]?.split(", ");
      expect(missing).toEqual(names.filter((name) => !set.includes(name)));
      expect(refusal).toContain("or none of them");
      expect(refusal).not.toContain("canary");
    }
  });

  it.each(["sk_live_canary", "rk_live_canary"])("are refused with a live key: %s", (STRIPE_API_KEY) => {
    const refusal = refusalOf({ ...all, STRIPE_API_KEY });
    expect(refusal).toMatch(/STRIPE_API_KEY opens live mode.*sk_test_/);
    expect(refusal).not.toContain("canary");
  });

  it.each(["pk_test_canary", "canary", "sk_test"])(
    "are refused with what is no key: %s",
    (STRIPE_API_KEY) => {
      expect(refusalOf({ ...all, STRIPE_API_KEY })).toMatch(/^STRIPE_API_KEY is not [^y]*key of test mode/);
    },
  );

  it.each([
    "mail.acme.example:587",
    "https://me:canary@acme.example",
    "smtp://",
    "smtp://%zz:canary@acme.example",
  ])("are refused with what is no SMTP URL: %s", (SMTP_URL) => {
    const refusal = refusalOf({ ...all, SMTP_URL });
    expect(refusal).toContain("SMTP_URL is not of the form");
    expect(refusal).not.toContain("canary");
  });

  it("tell the mail server, and whose mailbox the letters go to", () => {
    expect(credentialsFrom(all)).toEqual({
      hubspotToken: "pat-eu1-canary",
      stripeKey: "sk_test_canary",
      smtp: { host: "mail.acme.example", secure: true, auth: { user: "me@acme.example", pass: "canary" } },
      mailbox: "me@acme.example",
    });
    expect(
      credentialsFrom({ ...all, SMTP_URL: "smtp://localhost:1025", HEED_DEMO_EMAIL: "you@acme.example" }),
    ).toMatchObject({ smtp: { host: "localhost", port: 1025, secure: false }, mailbox: "you@acme.example" });
  });

  it("are refused when nobody's mailbox is known: letters really leave", () => {
    const SMTP_URL = "smtp://apikey:canary@mail.acme.example";
    expect(refusalOf({ ...all, SMTP_URL })).toContain("HEED_DEMO_EMAIL");
    for (const HEED_DEMO_EMAIL of [
      "me",
      "me@acme.example, you@acme.example",
      `${"m".repeat(41)}@acme.example`,
    ])
      expect(refusalOf({ ...all, HEED_DEMO_EMAIL })).toMatch(/^HEED_DEMO_EMAIL is not/);
  });
});

describe("the cast on accounts", () => {
  it("has addresses of one mailbox, other ones in each run", async () => {
    const [one, other] = [await castAt("me@acme.example"), await castAt("me+demo@acme.example")];
    const addresses = [...one.people, ...one.wishes].map(({ email }) => email);
    for (const address of addresses) expect(address).toMatch(/^me\+heed-[0-9a-f]{8}-[a-z]+@acme\.example$/);
    expect(addresses.every((address) => address.includes(one.tag))).toBe(true);
    expect(other.people[0]?.email).toMatch(/^me\+demo-heed-[0-9a-f]{8}-anna@acme\.example$/);
    expect(one.tag).not.toBe(other.tag);
    expect(
      one.people.flatMap(({ alsoAtHubspot, stripe }) => [
        ...alsoAtHubspot,
        ...stripe.flatMap(({ email }) => email ?? []),
      ]),
    ).toEqual([]);
  });

  it("wishes all that is wished among stand-ins", async () => {
    const kinds = (cast: { readonly wishes: readonly { readonly wish: string }[] }) =>
      new Set(cast.wishes.map(({ wish }) => wish));
    expect(kinds(await castAt("me@acme.example"))).toEqual(kinds(await readCast()));
  });
});
