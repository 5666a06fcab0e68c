import { z } from "zod";
import { failing, noContent, standIn, type StandIn } from "./stand-in.ts";

interface Payment {
  /** Whoever pays by a token again and again. */
  readonly shopper: string;
  erasureRequestedAt?: number;
}

/** A merchant account at Adyen. */
export interface AdyenAccount extends StandIn {
  /** Token to shopper. */
  readonly tokens: Map<string, string>;
  /** By PSP reference. */
  readonly payments: Map<string, Payment>;
  /** What the Customer Area shows of the shopper. */
  shopperOf(pspReference: string): string | undefined;
}

const stored = String.raw`^checkout-test\.adyen\.com/v71/storedPaymentMethods`;
const erasureRequest = z.strictObject({ merchantAccount: z.string(), pspReference: z.string() });

/** @param takesMs how long Adyen takes to erase what it has a request for */
export function adyenAccount(
  apiKey: string,
  merchantAccount: string,
  now: () => Date,
  takesMs = 6 * 3_600_000,
): AdyenAccount {
  const tokens: AdyenAccount["tokens"] = new Map();
  const payments: AdyenAccount["payments"] = new Map();
  const result = (pspReference: string) => {
    const payment = payments.get(pspReference);
    if (payment === undefined) return "PAYMENT_NOT_FOUND";
    if (payment.erasureRequestedAt !== undefined) return "ALREADY_PROCESSED";
    if ([...tokens.values()].includes(payment.shopper)) return "ACTIVE_RECURRING_TOKEN_EXISTS";
    payment.erasureRequestedAt = now().getTime();
    return "SUCCESS";
  };
  const vendor = standIn(
    (headers) => headers.get("x-api-key") === apiKey,
    [
      [
        "GET",
        /^management-test\.adyen\.com\/v3\/merchants\/([^/]+)$/,
        ({ ids: [id] }) => (id === merchantAccount ? Response.json({ id }) : failing(403, { status: 403 })),
      ],
      [
        "GET",
        new RegExp(`${stored}$`),
        ({ query }) => {
          const own = [...tokens].filter(([, shopper]) => shopper === query.get("shopperReference"));
          return Response.json({
            merchantAccount,
            storedPaymentMethods: own.map(([id]) => ({ id, holderName: "Anna Canary" })),
          });
        },
      ],
      [
        "DELETE",
        new RegExp(`${stored}/([^/]+)$`),
        ({ ids: [id = ""], query }) => {
          if (tokens.get(id) !== query.get("shopperReference"))
            return failing(422, { status: 422, errorCode: "803", message: "PaymentDetail not found" });
          tokens.delete(id);
          return noContent();
        },
      ],
      [
        "POST",
        /^ca-test\.adyen\.com\/ca\/services\/DataProtectionService\/v1\/requestSubjectErasure$/,
        ({ body }) => {
          const asked = erasureRequest.safeParse(body).data;
          if (asked?.merchantAccount !== merchantAccount)
            return failing(422, { status: 422, errorCode: "901" });
          return Response.json({ result: result(asked.pspReference) });
        },
      ],
    ],
  );
  return {
    ...vendor,
    tokens,
    payments,
    shopperOf(pspReference) {
      const { erasureRequestedAt: at } = payments.get(pspReference) ?? {};
      return at !== undefined && now().getTime() >= at + takesMs ? undefined : "Anna Canary";
    },
  };
}
