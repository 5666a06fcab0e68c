import {
  type CallContext,
  type OperationName,
  RateLimitedError,
  RejectedError,
  UnavailableError,
} from "@heed/core/contract";
import { z } from "zod";

/** What is used of the gateway of `braintree` (npm): the vendor's client is passed in, and nothing else of it is. */
export interface BraintreeGateway {
  readonly customer: { find(id: string): Promise<unknown> };
  readonly paymentMethod: {
    find(token: string): Promise<unknown>;
    delete(token: string, options: { readonly revokeAllGrants: boolean }): Promise<unknown>;
  };
  readonly merchantAccount: { find(id: string): Promise<unknown> };
}

const thrown = z.looseObject({ type: z.string() });

const refusals: Readonly<Record<string, number>> = {
  authenticationError: 401,
  authorizationError: 403,
  notFoundError: 404,
  invalidKeysError: 400,
  upgradeRequired: 426,
};

/**
 * One call of the client, which throws its failures; what they say is left there.
 *
 * @returns undefined where there is no such object
 * @see https://developer.paypal.com/braintree/docs/reference/general/exceptions/node
 */
export async function askBraintree<T>(
  operation: OperationName | "check",
  context: CallContext<"calls">,
  schema: z.ZodType<T>,
  call: () => Promise<unknown>,
): Promise<T | undefined> {
  await context.turn("calls");
  const about = { processor: "braintree", operation };
  const answer = await call().catch((error: unknown) => {
    const type = thrown.safeParse(error).data?.type ?? "";
    if (type === "notFoundError") return undefined;
    if (type === "tooManyRequestsError")
      throw new RateLimitedError("Braintree asks to slow down.", { ...about, retryAfterMs: 1000 });
    const status = refusals[type];
    if (status === undefined) throw new UnavailableError("Braintree gave no usable answer.", about);
    throw new RejectedError(`Braintree refused the request (${type}).`, { ...about, status });
  });
  if (answer === undefined) return undefined;
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new UnavailableError("Braintree answered in a shape that cannot be read.", about);
}
