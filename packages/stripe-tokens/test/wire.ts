import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";
import { type StripeTokensOptions, stripeTokens } from "../src/index.ts";
import type { StripeAccount } from "../src/testing/index.ts";

/** Puts accounts where `api.stripe.com` would be, for the tests of one file. Nothing else is reachable. */
export function stripeOnTheWire() {
  const server = setupServer();
  beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
  afterEach(() => server.resetHandlers());
  afterAll(() => server.close());

  return (
    account: StripeAccount,
    options: Partial<Omit<StripeTokensOptions, "client" | "apiKey" | "baseUrl" | "account">> = {},
  ) => {
    server.use(...account.handlers());
    const apiKey = options.live === true ? account.liveKey : account.key;
    return stripeTokens({ apiKey, account: account.id, ...options });
  };
}
