/**
 * The least number of calls and the least time that a plan takes at a vendor, counted from what the vendor has of the
 * people and from its limits alone: nothing here knows heed. Derived in docs/limits.md.
 */

/** At most `calls` in any window of `perMs` milliseconds. */
export interface VendorLimit {
  readonly calls: number;
  readonly perMs: number;
}

/** How many calls count in each bucket. A call that counts in two is in both. */
type CallsByBucket = Readonly<Record<string, number>>;

/** What has to be asked. */
export interface LeastPlan {
  readonly calls: number;
  readonly byBucket: CallsByBucket;
  /** Those of them that are the second look at what was destroyed. */
  readonly secondLook: CallsByBucket;
}

/**
 * The least time, in milliseconds, from the first call to the last: the first window's calls go at once. A second look
 * comes a settling time after the first, into which everybody else's calls fall.
 */
export function leastMs(
  { byBucket, secondLook }: LeastPlan,
  limits: Readonly<Record<string, VendorLimit>>,
  settlingMs = 0,
): number {
  const timeOf = (bucket: string, count: number) => {
    const limit = limits[bucket];
    if (limit === undefined) throw new TypeError(`There is no limit for the bucket "${bucket}".`);
    return Math.max(0, Math.ceil(count / limit.calls) - 1) * limit.perMs;
  };
  const looksTwice = Object.values(secondLook).some((count) => count > 0);
  const times = Object.entries(byBucket).map(([bucket, count]) =>
    Math.max(
      timeOf(bucket, count),
      looksTwice ? timeOf(bucket, count - (secondLook[bucket] ?? 0)) + settlingMs : 0,
    ),
  );
  return Math.max(0, ...times);
}

const inHundreds = (count: number) => Math.ceil(count / 100);
const sum = <T>(of: readonly T[], count: (each: T) => number) =>
  of.reduce((total, each) => total + count(each), 0);

/** What HubSpot has of one person. */
export interface HubspotPerson {
  /** The further ones of each contact included. */
  readonly addresses: number;
  readonly contacts: number;
  /** What only this person's contacts are associated with, by type: notes, calls, emails, tasks, meetings, tickets. */
  readonly engagements?: Readonly<Record<string, number>>;
}

const engagementTypes = 6;

function hubspotPlan(calls: number, secondLook = 0): LeastPlan {
  return { calls, byBucket: { burst: calls }, secondLook: { burst: secondLook } };
}

/** Opting out of one topic, or of everything: `brands` is 1 for a topic. `batched` needs Enterprise. */
export function hubspotUnsubscribe(
  people: readonly HubspotPerson[],
  how: { readonly batched: boolean; readonly brands?: number },
): LeastPlan {
  const { batched, brands = 1 } = how;
  const addresses = sum(people, (person) => person.addresses);
  const contacts = sum(people, (person) => person.contacts);
  const resolve = inHundreds(people.length);
  const run = batched ? brands * inHundreds(addresses) : brands * addresses;
  // A contact shows its primary address alone, and no brand.
  const unseen = addresses - contacts;
  const singly = batched
    ? inHundreds(unseen) + (brands - 1) * inHundreds(addresses)
    : unseen + (brands - 1) * addresses;
  return hubspotPlan(resolve + run + inHundreds(contacts) + singly);
}

/** Erasing for good, with what would survive it. */
export function hubspotErase(people: readonly HubspotPerson[]): LeastPlan {
  const contacts = sum(people, (person) => person.contacts);
  const types = new Set(people.flatMap(({ engagements = {} }) => Object.keys(engagements)));
  const archived = sum([...types], (type) =>
    inHundreds(sum(people, ({ engagements }) => engagements?.[type] ?? 0)),
  );
  const resolve = inHundreds(people.length);
  const inventory = engagementTypes * Math.ceil(contacts / 1000);
  // By id among those that are live, and among those in the recycle bin.
  const look = inHundreds(sum(people, ({ addresses }) => addresses)) + 2 * inHundreds(contacts) + archived;
  // Once among those that are live, once among those in the recycle bin.
  return hubspotPlan(2 * resolve + inventory + contacts + archived + 2 * look, look);
}

/** What Stripe has of one person, who owes nothing and has nothing stored but cards. */
export interface StripePerson {
  readonly customers: number;
  readonly cards: number;
  /** In how many spellings the address is looked up. Default 1. */
  readonly spellings?: number;
  /** Customers whose default still points to a card that was detached. Default 0. */
  readonly dangling?: number;
}

/** Forgetting every stored card. */
export function stripeForget(people: readonly StripePerson[]): LeastPlan {
  const customers = sum(people, (person) => person.customers);
  const spellings = sum(people, (person) => person.spellings ?? 1);
  const addresses = people.length;
  const look = { "customer-list": spellings, "method-list": customers };
  const endpoints = {
    "customer-list": 3 * spellings,
    search: addresses,
    "customer-method-list": 2 * customers,
    "customer-read": customers,
    "schedule-list": customers,
    "invoice-list": customers,
    "charge-list": customers,
    "setup-intent-list": customers,
    "payment-intent-list": customers,
    "session-list": customers + spellings,
    detach: sum(people, (person) => person.cards),
    "customer-update": sum(people, (person) => person.dangling ?? 0),
    "method-list": 2 * customers,
  };
  const calls = sum(Object.values(endpoints), (count) => count);
  return {
    calls,
    byBucket: { global: calls, ...endpoints },
    secondLook: { global: spellings + customers, ...look },
  };
}

const perSecond: Readonly<Record<string, number>> = { global: 100, search: 20 };

/** Stripe's limits in live mode: 100 a second altogether, 20 for search, 25 on each other endpoint. */
export function stripeLimitsOf({ byBucket }: LeastPlan): Readonly<Record<string, VendorLimit>> {
  return Object.fromEntries(
    Object.keys(byBucket).map((bucket) => [bucket, { calls: perSecond[bucket] ?? 25, perMs: 1000 }]),
  );
}
