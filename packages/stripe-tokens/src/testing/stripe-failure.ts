/** An error as Stripe answers it: status, body and, for rates, a header. */
export class StripeFailure extends Error {
  readonly status: number;
  readonly body: { readonly error: Readonly<Record<string, string>> };
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    error: { type?: string; code?: string; message: string; param?: string },
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(error.message);
    this.status = status;
    this.body = { error: { type: "invalid_request_error", ...error } };
    this.headers = headers;
  }
}

/** An object that is named in the path does not exist (404), or one that a parameter names (400). */
export function noSuch(what: string, id: string, param: string, status = 404): StripeFailure {
  return new StripeFailure(status, {
    code: "resource_missing",
    message: `No such ${what}: '${id}'`,
    param,
  });
}

export function unknownParameter(name: string): StripeFailure {
  return new StripeFailure(400, {
    code: "parameter_unknown",
    message: `Received unknown parameter: ${name}`,
    param: name,
  });
}

export function unknownRoute(method: string, path: string): StripeFailure {
  return new StripeFailure(404, {
    message:
      `Unrecognized request URL (${method}: ${path}). If you are trying to list objects, remove the trailing ` +
      `slash. If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier.`,
  });
}

/** @see https://docs.stripe.com/rate-limits */
export function rateLimited(reason: "global-rate" | "endpoint-rate"): StripeFailure {
  return new StripeFailure(
    429,
    {
      code: "rate_limit",
      message:
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
    },
    { "Stripe-Rate-Limited-Reason": reason },
  );
}

/** Another request holds the object. Unlike a rate it comes without a reason in the headers. */
export function lockTimeout(): StripeFailure {
  return new StripeFailure(429, {
    code: "lock_timeout",
    message:
      "This object cannot be accessed right now because another API request or Stripe process is currently " +
      "accessing it. If you see this error intermittently, retry the request.",
  });
}
