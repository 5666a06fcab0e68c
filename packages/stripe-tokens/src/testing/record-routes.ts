import { one } from "./form.ts";
import { listPage } from "./lists.ts";
import { type Asked, type Route, inMode, seen } from "./route.ts";
import { StripeFailure } from "./stripe-failure.ts";
import type { CustomerAccountObject } from "./stripe-objects.ts";
import { listableCustomer, ownedRows } from "./which-customer.ts";

/** What is only listed, and the accounts of the v2 API. */
export const recordRoutes: readonly Route[] = [
  recordsAt("GET /v1/credit_notes", "credit_note"),
  recordsAt("GET /v1/invoiceitems", "invoiceitem"),
  recordsAt("GET /v1/promotion_codes", "promotion_code"),
  recordsAt("GET /v1/quotes", "quote"),
  {
    endpoint: "GET /v1/customers/{id}/balance_transactions",
    run: (asked) => {
      const customer = listableCustomer(asked);
      const rows = inMode(asked.state.records, asked).filter(
        (row) => row.object === "customer_balance_transaction" && row.customer === customer,
      );
      return listPage(rows, asked.params, asked.path);
    },
  },
  { endpoint: "GET /v2/core/accounts/{id}", run: accountInPath },
  {
    endpoint: "POST /v2/core/accounts/{id}/close",
    run: (asked) => {
      const account = accountInPath(asked);
      if (one(asked.params, "applied_configurations[]") !== "customer") {
        throw new StripeFailure(400, {
          code: "invalid_fields",
          message: "The configurations to close must be all that are applied.",
        });
      }
      account.closed = true;
      return account;
    },
  },
];

function recordsAt(endpoint: string, object: string): Route {
  return {
    endpoint,
    run: (asked) => {
      const rows = ownedRows(asked, asked.state.records).filter((row) => row.object === object);
      return listPage(rows, asked.params, asked.path);
    },
  };
}

function accountInPath(asked: Asked): CustomerAccountObject {
  const account = seen(asked.state.customerAccounts, asked.ids[0], asked);
  if (account === undefined) {
    throw new StripeFailure(404, {
      type: "invalid_request_error",
      code: "not_found",
      message: "Account not found.",
    });
  }
  return account;
}
