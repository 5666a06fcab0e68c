import { type HttpHandler, http } from "msw";
import type { Stripe } from "stripe";
import { type Additions, additions } from "./additions.ts";
import { answerRequest } from "./answer-request.ts";
import { clientOf } from "./client.ts";
import { reindex } from "./customer-routes.ts";
import { deleteCustomer } from "./delete-customer.ts";
import type { Fault, When } from "./faults.ts";
import { type Found, objectsOf, searchState } from "./search-state.ts";
import { type Listening, serve } from "./serve.ts";
import type { StripeObject, StripeState } from "./stripe-objects.ts";
import type { StripeSwitches } from "./switches.ts";
import { type LoggedCall, createWorld } from "./world.ts";

/** A Stripe account in memory: what it holds, what it was asked, and what is to go wrong. */
export interface StripeAccount {
  /** `acct_…`, as `GET /v1/account` answers it. */
  readonly id: string;
  /** A key of test mode, and one of live mode. Each sees only the objects of its mode. */
  readonly key: string;
  readonly liveKey: string;
  readonly add: Additions;
  /** What the account holds now: for tests to read. */
  readonly state: StripeState;
  /** Where the account holds a text, whatever its letter case. */
  search(text: string): readonly Found[];
  /** Every object that belongs to a customer, the customer included. */
  objectsOf(customer: string): readonly StripeObject[];
  /** The ids of the payment methods and legacy sources that hang at a customer. */
  credentialsOf(customer: string): readonly string[];
  /** Deletes a customer: a stub stays, its subscriptions end at once, invoices and charges stay. */
  deleteCustomer(id: string): void;
  /** Every call that arrived, oldest first, as far as it is remembered. */
  readonly calls: readonly LoggedCall[];
  /** How many calls arrived at an endpoint, for example `GET /v1/customers/{id}`; without it: at all. */
  count(endpoint?: string): number;
  /** The calls that may change something: every one but `GET`. */
  writes(): readonly LoggedCall[];
  /** Lets coming calls to an endpoint (`"*"`: to any) go wrong. */
  fault(endpoint: string, fault: Fault, when?: When): void;
  /** Nothing goes wrong any more. */
  heal(): void;
  /** Does something when a call to the endpoint arrives, before it is answered: once unless told otherwise. */
  before(endpoint: string, act: () => void, when?: When): void;
  /** Answers one request, wherever it was to go. A broken connection is a network error response. */
  answer(request: Request): Promise<Response>;
  /**
   * Stripe's own client for `stripeTokens({ client })`, in this process and without a socket. `answer` is what its
   * requests go to, for a test that looks on or steps in between; default: the account's own. `key`: default that of
   * test mode. A broken connection is a `StripeConnectionError`.
   */
  client(answer?: (request: Request) => Promise<Response>, key?: string): Stripe;
  /** Handlers for Mock Service Worker. `baseUrl`: where Stripe is thought to be. */
  handlers(baseUrl?: string): HttpHandler[];
  /** Serves the account by HTTP on the loopback interface. */
  listen(): Promise<Listening>;
}

function ownerOf(row: { readonly customer: string | null; readonly customer_account?: string | null }) {
  return row.customer ?? row.customer_account;
}

/**
 * A stateful stand-in for a Stripe account: customers, payment methods, legacy sources, payments under way and
 * what a customer pays, with Stripe's errors, pages, limits, locks and idempotency keys; by its clock periods
 * end and are renewed. It begins empty.
 */
export function stripeAccount(switches: StripeSwitches = {}): StripeAccount {
  const world = createWorld(switches);
  const { state, calls } = world;
  const [key = "", liveKey = ""] = world.keys.keys();
  const answer = (request: Request) => answerRequest(world, request);

  return {
    id: world.switches.id,
    key,
    liveKey,
    state,
    calls,
    answer,
    client: (asked = answer, withKey = key) => clientOf(asked, withKey),
    handlers: (baseUrl = "https://api.stripe.com") => [
      http.all(`${baseUrl}/*`, ({ request }) => answer(request)),
    ],
    add: additions(world),
    search: (text) => searchState(state, text),
    objectsOf: (customer) => objectsOf(state, customer),
    credentialsOf: (customer) =>
      [...state.paymentMethods.values(), ...state.sources.values()]
        .filter((row) => ownerOf(row) === customer)
        .map(({ id }) => id),
    deleteCustomer(id) {
      const customer = state.customers.get(id);
      if (customer === undefined) throw new TypeError("The account has no such customer to delete.");
      deleteCustomer(customer, world);
      reindex(customer, world);
    },
    count: (endpoint) => calls.filter((call) => endpoint === undefined || call.endpoint === endpoint).length,
    writes: () => calls.filter(({ method }) => method !== "GET"),
    fault: (endpoint, fault, when) => world.faults.add(endpoint, fault, when),
    heal: () => world.faults.clear(),
    before: (endpoint, act, when) => world.hooks.add(endpoint, act, when),
    listen: () => serve(answer),
  };
}
