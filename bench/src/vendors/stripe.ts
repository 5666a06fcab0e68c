import { createHeed, definePolicy, keyring, newKey, type HeedStorage } from "@heed/core";
import { stripeTokens } from "@heed/stripe-tokens";
import { stripeAccount } from "@heed/stripe-tokens/testing";
import { standingStill } from "@heed/testing/private";
import { jumpingClock, workedOff } from "./simulation.ts";
import { Watch } from "./watch.ts";

const emailOf = (index: number) => `person${index}@example.org`;

/** Everybody is one customer with one card, in live mode, and owes nothing. */
export async function worksAtStripe(
  people: number,
  storage: HeedStorage,
  onCall: (calls: number) => void,
): Promise<Watch> {
  const clock = jumpingClock();
  const watch = new Watch({
    global: { calls: 100, perMs: 1000 },
    search: { calls: 20, perMs: 1000 },
    endpoint: { calls: 25, perMs: 1000 },
  });
  const account = stripeAccount({ now: () => clock.now(), remembers: 10 });
  async function answer(request: Request): Promise<Response> {
    const response = await account.answer(request);
    const path = new URL(request.url).pathname.replaceAll(/\/(?:cus|pm|cs|seti|pi|in|ch|sub)_\w+/g, "/{id}");
    const endpoint = path.endsWith("/search") ? "search" : `${request.method} ${path}`;
    watch.saw(clock.now().getTime(), ["global", endpoint], response.status);
    onCall(watch.calls);
    return response;
  }
  const payments = stripeTokens({
    client: account.client((request) => clock.during(answer(request)), account.liveKey),
    account: account.id,
    live: true,
    pace: { burst: 1, delayMs: 0 },
  });
  const heed = createHeed({
    policy: definePolicy({
      controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
      recipients: { payments: { role: "processor", country: "US", transferTool: "scc" } },
      purposes: {},
      topics: {},
    }),
    storage: standingStill(storage, clock),
    keys: keyring(newKey()),
    processors: { payments },
    clock,
  });
  for (let index = 0; index < people; index += 1)
    account.add.paymentMethod(account.add.customer({ email: emailOf(index), livemode: true }).id);
  for (let at = 0; at < people; at += 100)
    await Promise.all(
      Array.from({ length: Math.min(100, people - at) }, (_, index) =>
        heed.paidService.ended({ subject: { email: emailOf(at + index) } }),
      ),
    );
  await workedOff(heed, clock);
  const left = [...account.state.paymentMethods.values()].filter(({ customer }) => customer !== null).length;
  if (left > 0) throw new Error(`${left} of ${people} cards are not forgotten at Stripe.`);
  await heed.close();
  return watch;
}
