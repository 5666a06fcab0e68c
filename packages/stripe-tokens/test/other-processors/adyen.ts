import { each, type Identifier, type ProcessorV1 } from "@heed/core/contract";
import { z } from "zod";
import { customersIn, dayMs, forgetting, storedTokens, tokensIn } from "./stored-tokens.ts";
import { type Bucket, type Fetch, type VendorCalls, vendorCalls } from "./vendor-calls.ts";

const checkout = "https://checkout-test.adyen.com/v71";
const dataProtection = "https://ca-test.adyen.com/ca/services/DataProtectionService/v1";
const management = "https://management-test.adyen.com/v3";

const stored = z.looseObject({
  storedPaymentMethods: z.array(z.looseObject({ id: z.string() })).default([]),
});
const erasure = z.looseObject({
  result: z.enum(["SUCCESS", "ALREADY_PROCESSED", "ACTIVE_RECURRING_TOKEN_EXISTS", "PAYMENT_NOT_FOUND"]),
});
const merchant = z.looseObject({ id: z.string() });

type Kind = "adyenShopperReference" | "adyenPspReference";
const valuesOf = (identifiers: readonly Identifier[], kind: Kind) =>
  identifiers.filter((identifier) => identifier.kind === kind);

/**
 * Tokens and payments at Adyen. A token is found by the shopper's reference and deleted at once. The data of a shopper
 * is erased payment by payment, and later: Adyen says that it has the request, and no call tells when it is done, so an
 * erasure here is acknowledged and never verified. It is refused while a token exists; `forceErasure`, which would leave
 * that in use, is never sent.
 *
 * @see https://docs.adyen.com/api-explorer/Checkout/71/delete/storedPaymentMethods/(storedPaymentMethodId)
 * @see https://docs.adyen.com/development-resources/data-protection-api
 * @see https://docs.adyen.com/api-explorer/Management/3/get/merchants/(merchantId)
 */
export function adyen(access: {
  readonly apiKey: string;
  readonly merchantAccount: string;
  readonly fetch: Fetch;
}): ProcessorV1<Kind, never, Bucket> {
  const { merchantAccount } = access;
  const calls = vendorCalls("adyen", { "x-api-key": access.apiKey }, access.fetch);

  /** Adyen has no object for a shopper: one without a token is not known. */
  async function tokensOf({ send, read }: VendorCalls, shopperReference: string) {
    const query = new URLSearchParams({ merchantAccount, shopperReference }).toString();
    const { storedPaymentMethods } = read(
      stored,
      await send("GET", `${checkout}/storedPaymentMethods?${query}`),
    );
    return storedPaymentMethods.length === 0 ? undefined : storedPaymentMethods.map(({ id }) => id);
  }

  return {
    specificationVersion: "v1",
    name: "adyen",
    account: merchantAccount,
    identifiers: { adyenShopperReference: /^[^@\s]{3,256}$/, adyenPspReference: /^[A-Z0-9]{16}$/ },
    topics: {},
    // Adyen documents no number.
    limits: { calls: { calls: 20, perMs: 1000 } },
    operations: {
      forgetTokens: {
        ...forgetting,
        effects: ["irreversible"],
        resolve: each((call, context) =>
          storedTokens(valuesOf(call.identifiers, "adyenShopperReference"), (shopper) =>
            tokensOf(calls("forgetTokens", context), shopper),
          ),
        ),
        run: each(async (call, context) => {
          if (valuesOf(call.identifiers, "adyenShopperReference").length === 0)
            return { status: "manual", instruction: "Look this shopper's tokens up in the Customer Area." };
          if (customersIn(call).length === 0) return { status: "absent" };
          const asking = calls("forgetTokens", context);
          let affected = 0;
          for (const shopperReference of customersIn(call)) {
            // What Adyen answers about a token that is gone is not documented.
            const there = new Set(await tokensOf(asking, shopperReference));
            const query = new URLSearchParams({ merchantAccount, shopperReference }).toString();
            for (const { id } of tokensIn(call).filter((token) => there.has(token.id))) {
              await asking.send("DELETE", `${checkout}/storedPaymentMethods/${id}?${query}`);
              affected += 1;
            }
          }
          return { status: "done", affected, retained: call.input.keep };
        }),
        verify: each(async (call, context) => {
          const asking = calls("forgetTokens", context);
          for (const shopper of customersIn(call))
            if ((await tokensOf(asking, shopper)) !== undefined) return { seen: "not-as-asked" };
          return { seen: "as-asked" };
        }),
      },
      erase: {
        batchSize: 10,
        repeat: "safe",
        settlingMs: 0,
        effects: ["irreversible"],
        run: each(async (call, context) => {
          const payments = valuesOf(call.identifiers, "adyenPspReference");
          if (payments.length === 0)
            return { status: "manual", instruction: "Look this shopper's payments up in the Customer Area." };
          const { send, read } = calls("erase", context);
          const results: z.infer<typeof erasure>["result"][] = [];
          for (const { value: pspReference } of payments) {
            const body = { merchantAccount, pspReference };
            const answer = await send("POST", `${dataProtection}/requestSubjectErasure`, { body });
            results.push(read(erasure, answer).result);
          }
          const affected = results.filter((result) => result === "SUCCESS").length;
          if (results.includes("ACTIVE_RECURRING_TOKEN_EXISTS"))
            return { status: "blocked", by: "recurring-token-exists", checkAfterMs: dayMs, affected };
          if (affected > 0)
            return { status: "pending", reference: "subject-erasure", checkAfterMs: dayMs, affected };
          if (results.every((result) => result === "PAYMENT_NOT_FOUND")) return { status: "absent" };
          return { status: "done", affected, retained: call.input.keep };
        }),
        verify: {
          acknowledgedOnly:
            "Adyen erases later and has no call to read a shopper's data back; the Customer Area shows it as redacted.",
        },
      },
    },
    async check(context) {
      const { send, read } = calls("check", context);
      const answer = await send("GET", `${management}/merchants/${encodeURIComponent(merchantAccount)}`);
      const { id: account } = read(merchant, answer);
      return { account, lacks: [], unknownTopics: [] };
    },
  };
}
