import { each, type ProcessorV1 } from "@heed/core/contract";
import { z } from "zod";
import { customersIn, dayMs, forgetting, storedTokens, tokensIn } from "./stored-tokens.ts";
import {
  type Answer,
  type Bucket,
  everyPage,
  type Fetch,
  type VendorCalls,
  vendorCalls,
} from "./vendor-calls.ts";

const base = "https://api.mollie.com/v2";

type Listed = "mandates" | "subscriptions";
const object = z.looseObject({ id: z.string(), status: z.string() });
const pageOf = (what: Listed) =>
  z.looseObject({
    _embedded: z.looseObject({ [what]: z.array(object) }),
    _links: z.looseObject({ next: z.looseObject({ href: z.string() }).nullish() }),
  });
const profile = z.looseObject({ id: z.string() });

/** 410: it was there, and was deleted. Which of the two Mollie answers is not documented for every object. */
const isGone = ({ status }: Answer) => status === 404 || status === 410;

const running: ReadonlySet<string> = new Set(["pending", "active", "suspended"]);

/**
 * Mandates at Mollie. Revoking one cancels every subscription that is charged by it, at once, so a guard looks before:
 * Mollie would not refuse.
 *
 * @see https://docs.mollie.com/reference/revoke-mandate
 * @see https://docs.mollie.com/reference/list-mandates
 * @see https://docs.mollie.com/reference/list-customer-subscriptions
 */
export function mollie(access: {
  readonly apiKey: string;
  /** `pfl_…`: the profile that the key belongs to. */
  readonly profile: string;
  readonly fetch: Fetch;
}): ProcessorV1<"mollieCustomerId", never, Bucket> {
  const calls = vendorCalls("mollie", { authorization: `Bearer ${access.apiKey}` }, access.fetch);
  const within = (customer: string, path: string) =>
    `${base}/customers/${encodeURIComponent(customer)}/${path}`;

  /** Undefined where there is no such customer. */
  async function list({ send, read }: VendorCalls, customer: string, what: Listed) {
    let isThere = true;
    const all = await everyPage(async (next = within(customer, `${what}?limit=250`)) => {
      const answer = await send("GET", next, { means: isGone });
      isThere = !isGone(answer);
      if (!isThere) return { items: [] };
      const { _embedded: embedded, _links: links } = read(pageOf(what), answer);
      return { items: embedded[what] ?? [], next: links.next?.href };
    });
    return isThere ? all : undefined;
  }

  return {
    specificationVersion: "v1",
    name: "mollie",
    account: access.profile,
    identifiers: { mollieCustomerId: /^cst_\w{1,64}$/ },
    topics: {},
    // Mollie documents no number.
    limits: { calls: { calls: 20, perMs: 1000 } },
    operations: {
      forgetTokens: {
        ...forgetting,
        effects: ["irreversible", "ends-paid-service"],
        resolve: each((call, context) =>
          storedTokens(call.identifiers, async (customer) => {
            const mandates = await list(calls("forgetTokens", context), customer, "mandates");
            return mandates?.filter(({ status }) => status !== "invalid").map(({ id }) => id);
          }),
        ),
        guard: each(async (call, context) => {
          if (call.input.endsPaidService === "allowed") return { clear: true };
          for (const customer of customersIn(call)) {
            const all = await list(calls("forgetTokens", context), customer, "subscriptions");
            if (all?.some(({ status }) => running.has(status)))
              return { blockedBy: "subscription-running", checkAfterMs: dayMs };
          }
          return { clear: true };
        }),
        run: each(async (call, context) => {
          if (customersIn(call).length === 0) return { status: "absent" };
          const { send } = calls("forgetTokens", context);
          let affected = 0;
          for (const { customer, id } of tokensIn(call)) {
            const answer = await send("DELETE", within(customer, `mandates/${id}`), { means: isGone });
            if (!isGone(answer)) affected += 1;
          }
          return { status: "done", affected, retained: call.input.keep };
        }),
        verify: each(async (call, context) => {
          const { send, read } = calls("forgetTokens", context);
          for (const { customer, id } of tokensIn(call)) {
            const answer = await send("GET", within(customer, `mandates/${id}`), { means: isGone });
            if (!isGone(answer) && read(object, answer).status !== "invalid") return { seen: "not-as-asked" };
          }
          return { seen: "as-asked" };
        }),
      },
    },
    async check(context) {
      const { send, read } = calls("check", context);
      const { id: account } = read(profile, await send("GET", `${base}/profiles/me`));
      return { account, lacks: [], unknownTopics: [] };
    },
  };
}
