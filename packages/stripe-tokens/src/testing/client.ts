import { Stripe } from "stripe";

/** Stripe's own client, with no connection: each request is handed to a function. */
export function clientOf(answer: (request: Request) => Promise<Response>, key: string): Stripe {
  const httpClient = Stripe.createFetchHttpClient(async (...sent: Parameters<typeof fetch>) => {
    const response = await answer(new Request(...sent));
    if (response.type === "error") throw new TypeError("fetch failed");
    return response;
  });
  return new Stripe(key, { telemetry: false, httpClient });
}
