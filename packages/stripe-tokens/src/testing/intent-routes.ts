import { one } from "./form.ts";
import { listPage, onlyExpands } from "./lists.ts";
import { type Asked, type Route, seen } from "./route.ts";
import { StripeFailure, noSuch } from "./stripe-failure.ts";
import type { CheckoutSessionObject, OwnedObject, PaymentIntentObject } from "./stripe-objects.ts";
import { ownedRows } from "./which-customer.ts";

const cancellable = new Set(["requires_payment_method", "requires_confirmation", "requires_action"]);

/** What may still save a card: setup intents, payment intents and Checkout Sessions. */
export const intentRoutes: readonly Route[] = [
  {
    endpoint: "GET /v1/setup_intents",
    run: (asked) => {
      const method = one(asked.params, "payment_method");
      const rows = ownedRows(asked, asked.state.setupIntents);
      return listPage(
        rows.filter((row) => method === undefined || row.payment_method === method),
        asked.params,
        asked.path,
      );
    },
  },
  {
    endpoint: "POST /v1/setup_intents/{id}/cancel",
    locks: (asked) => lockOf(asked, asked.state.setupIntents),
    run: (asked) => cancel(asked, asked.state.setupIntents, "SetupIntent", cancellable),
  },
  {
    endpoint: "GET /v1/payment_intents",
    run: (asked) => {
      onlyExpands(asked.params, "data.latest_charge");
      const page = listPage(ownedRows(asked, asked.state.paymentIntents), asked.params, asked.path);
      const isExpanded = asked.params.has("expand[]");
      return { ...page, data: page.data.map((row) => (isExpanded ? withCharge(row, asked) : row)) };
    },
  },
  {
    endpoint: "GET /v1/payment_intents/{id}",
    run: (asked) => {
      onlyExpands(asked.params, "latest_charge");
      const id = asked.ids[0] ?? "";
      const intent = seen(asked.state.paymentIntents, id, asked);
      if (intent === undefined) throw noSuch("payment_intent", id, "intent");
      return asked.params.has("expand[]") ? withCharge(intent, asked) : intent;
    },
  },
  {
    endpoint: "POST /v1/payment_intents/{id}/cancel",
    locks: (asked) => lockOf(asked, asked.state.paymentIntents),
    run: (asked) => {
      const alsoReserved = new Set([...cancellable, "requires_capture"]);
      return cancel(asked, asked.state.paymentIntents, "PaymentIntent", alsoReserved);
    },
  },
  {
    endpoint: "GET /v1/checkout/sessions",
    run: (asked) => {
      const status = one(asked.params, "status");
      const folded = (email: string | null | undefined) =>
        asked.switches.sessionsIgnoreCase ? email?.toLowerCase() : email;
      const email = folded(one(asked.params, "customer_details[email]"));
      const rows = ownedRows(asked, asked.state.checkoutSessions).filter(
        (row) =>
          (status === undefined || row.status === status) &&
          (email === undefined || folded(row.customer_details?.email) === email),
      );
      return listPage(rows, asked.params, asked.path);
    },
  },
  {
    endpoint: "POST /v1/checkout/sessions/{id}/expire",
    locks: (asked) => lockOf(asked, asked.state.checkoutSessions),
    run: expire,
  },
];

function withCharge(intent: PaymentIntentObject, { state }: Asked): object {
  return { ...intent, latest_charge: state.charges.get(intent.latest_charge ?? "") ?? null };
}

function lockOf(asked: Asked, rows: ReadonlyMap<string, OwnedObject>): string | undefined {
  return rows.get(asked.ids[0] ?? "")?.customer ?? undefined;
}

function cancel<T extends OwnedObject & { status: string }>(
  asked: Asked,
  rows: ReadonlyMap<string, T>,
  what: string,
  from: ReadonlySet<string>,
): T {
  const id = asked.ids[0] ?? "";
  const intent = seen(rows, id, asked);
  if (intent === undefined) throw noSuch(what, id, "intent");
  if (!from.has(intent.status)) {
    throw new StripeFailure(400, {
      code: `${what === "SetupIntent" ? "setup" : "payment"}_intent_unexpected_state`,
      message: `You cannot cancel this ${what} because it has a status of ${intent.status}.`,
    });
  }
  intent.status = "canceled";
  return intent;
}

/** What the session was to do is over with it. */
function expire(asked: Asked): CheckoutSessionObject {
  const id = asked.ids[0] ?? "";
  const session = seen(asked.state.checkoutSessions, id, asked);
  if (session === undefined) throw noSuch("checkout session", id, "session");
  if (session.status !== "open") {
    throw new StripeFailure(400, {
      message:
        `Only Checkout Sessions with a status in ["open"] can be expired. ` +
        `This Checkout Session has a status of \`${session.status}\`.`,
    });
  }
  session.status = "expired";
  for (const intent of [
    asked.state.paymentIntents.get(session.payment_intent ?? ""),
    asked.state.setupIntents.get(session.setup_intent ?? ""),
  ]) {
    if (intent !== undefined && cancellable.has(intent.status)) intent.status = "canceled";
  }
  return session;
}
