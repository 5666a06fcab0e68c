import { type Identifier, type Sighting, TamperedEvidenceError } from "@heed/core/contract";
import type { Stripe } from "stripe";
import { z } from "zod";

/** How Stripe's webhooks are known to be Stripe's. */
export interface StripeWebhooks {
  /** The endpoint's signing secret, `whsec_…`; while it is rolled, both. */
  readonly secret: string | readonly [string, ...string[]];
}

const pointer = z.union([z.string(), z.looseObject({ id: z.string() })]).nullish();

const eventSchema = z.looseObject({
  id: z.string(),
  type: z.string(),
  created: z.number().int().nonnegative(),
  livemode: z.boolean(),
  data: z.looseObject({
    object: z.looseObject({
      object: z.string().nullish(),
      id: z.string(),
      customer: pointer,
      customer_account: z.string().nullish(),
    }),
    /** Of an update: what was changed, as it had been. */
    previous_attributes: z.looseObject({}).nullish(),
  }),
});
type StripeEvent = z.infer<typeof eventSchema>;

/** Seconds; older than this, or from further ahead, is a copy or a wrong clock. */
const tolerance = 300;

/**
 * What a webhook of Stripe tells: that a subscription is over, that a payment method was stored, or that a customer was
 * made or given another address. Other events tell nothing, nor do those of the other mode. Each names the customer's id
 * alone.
 *
 * Stripe repeats events for three days, in any order; each has an id of its own.
 *
 * @throws TamperedEvidenceError when Stripe has not signed it, or not lately
 * @see https://docs.stripe.com/webhooks#verify-official-libraries
 */
export async function sightingsIn(
  request: Request,
  now: Date,
  { client, live, secret }: StripeWebhooks & { readonly client: Stripe; readonly live: boolean },
): Promise<readonly Sighting[]> {
  const body = Buffer.from(await request.arrayBuffer());
  const header = request.headers.get("stripe-signature") ?? "";
  const secrets = typeof secret === "string" ? [secret] : secret;
  const event = secrets
    .map((each) => signedEvent(client, body, header, each, now))
    .find((each) => each !== undefined);
  if (event === undefined)
    throw new TamperedEvidenceError("The webhook is not signed by Stripe for this endpoint, or not lately.");
  const saw = toldBy(event);
  const owner = ownerOf(event);
  if (saw === undefined || owner === undefined || event.livemode !== live) return [];
  return [{ id: event.id, claimedAt: new Date(event.created * 1000).toISOString(), subject: [owner], saw }];
}

function signedEvent(
  client: Stripe,
  body: Buffer,
  header: string,
  secret: string,
  now: Date,
): StripeEvent | undefined {
  try {
    // Its errors quote the payload, so none is passed on.
    const event = client.webhooks.constructEvent(body, header, secret, tolerance, undefined, now.getTime());
    return eventSchema.safeParse(event).data;
  } catch {
    return undefined;
  }
}

/** What an event tells, if it is one of those that tell anything. */
function toldBy({ type, data }: StripeEvent) {
  switch (type) {
    case "customer.subscription.deleted":
      return "paid-service-ended";
    case "payment_method.attached":
      return "credential-stored";
    case "customer.created":
      return "record-stored";
    case "customer.updated":
      // A customer that was somebody else's, or nobody's, may be somebody's now who is not to be there.
      return "email" in (data.previous_attributes ?? {}) ? "record-stored" : undefined;
    default:
      return undefined;
  }
}

function ownerOf({ data: { object } }: StripeEvent): Identifier | undefined {
  const { customer, customer_account: account } = object;
  const id =
    object.object === "customer" ? object.id : typeof customer === "string" ? customer : customer?.id;
  if (id !== undefined) return { kind: "stripeCustomerId", value: id };
  return typeof account === "string" ? { kind: "stripeAccountId", value: account } : undefined;
}
