import { createHeed, definePolicy, keyring, newKey, type HeedStorage } from "@heed/core";
import { hubspot } from "@heed/hubspot";
import { hubspotPortal } from "@heed/hubspot/testing";
import type { VendorsWork } from "../vendors.ts";
import { standingStill } from "@heed/testing/private";
import { jumpingClock, workedOff } from "./simulation.ts";
import { Watch } from "./watch.ts";

const limit = { calls: 190, perMs: 10_000 };
const subscriptionId = "4711";
const emailOf = (index: number) => `person${index}@example.org`;

/** Everybody is one contact with one address, and subscribed to one topic. */
export async function worksAtHubspot(
  what: Exclude<VendorsWork, "stripe.forget">,
  people: number,
  storage: HeedStorage,
  onCall: (calls: number) => void,
): Promise<Watch> {
  const clock = jumpingClock();
  const watch = new Watch({ burst: limit });
  const portal = hubspotPortal({
    now: () => clock.now(),
    definitions: [{ id: subscriptionId }],
    burst: limit,
    remembers: 10,
    dailyCalls: 1_000_000,
    tier: what === "hubspot.unsubscribe.batched" ? "enterprise" : "professional",
  });
  async function answer(request: Request): Promise<Response> {
    const response = await portal.answer(request);
    watch.saw(clock.now().getTime(), ["burst"], response.status);
    onCall(watch.calls);
    return response;
  }
  const crm = hubspot({
    client: portal.client((request) => clock.during(answer(request))),
    portalId: portal.portalId,
    topics: { news: { subscriptionId } },
    rateLimit: { ...limit, burst: 1, delayMs: 0 },
    dailyCalls: 1_000_000,
  });
  const erases = what === "hubspot.erase";
  const heed = createHeed({
    policy: definePolicy({
      controller: { name: "Acme AB", country: "SE", contact: "privacy@acme.example" },
      recipients: { crm: { role: "processor", country: "US", transferTool: "scc" } },
      purposes: { news: { basis: "consent" } },
      topics: { news: { class: "marketing", purpose: "news", via: erases ? [] : ["crm"] } },
    }),
    storage: standingStill(storage, clock),
    keys: keyring(newKey()),
    processors: { crm },
    clock,
  });
  for (let index = 0; index < people; index += 1) {
    portal.addContact({ email: emailOf(index) });
    portal.choose(emailOf(index), subscriptionId, "SUBSCRIBED");
  }
  if (erases) {
    for (let at = 0; at < people; at += 100)
      await Promise.all(
        Array.from({ length: Math.min(100, people - at) }, (_, index) =>
          heed.requests.open({
            right: "erasure",
            subject: { email: emailOf(at + index) },
            identity: "signed-in",
          }),
        ),
      );
  } else {
    await heed.subscriptions.unsubscribeMany(
      Array.from({ length: people }, (_, index) => ({
        subject: { email: emailOf(index) },
        topic: "news" as const,
      })),
    );
  }
  await workedOff(heed, clock);
  const left = erases
    ? portal.search("person").length
    : Array.from({ length: people }, (_, index) => emailOf(index)).filter(
        (email) => portal.status(email, subscriptionId) !== "UNSUBSCRIBED",
      ).length;
  if (left > 0) throw new Error(`${left} of ${people} are not done at HubSpot.`);
  await heed.close();
  return watch;
}
