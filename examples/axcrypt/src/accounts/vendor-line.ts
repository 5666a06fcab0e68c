import { setTimeout as sleep } from "node:timers/promises";
import type { z } from "zod";
import { Refusal } from "../refusal.ts";

/** A request to a vendor. `query` and `form` as Stripe has them, `json` as HubSpot does. */
interface VendorAsk {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly json?: object;
}

/** Asks a vendor, and parses what it answers. */
export type VendorLine = <T>(schema: z.ZodType<T>, ask: VendorAsk) => Promise<T>;

/** So far apart that Stripe's 25 calls a second in test mode are not used up. */
const pauseMs = 50;
const waitMs = 2_000;
const mostTries = 8;

/**
 * The demo's own line to a vendor, beside heed's: it makes what the past would have made, and looks whether it is
 * there. A call that was refused for its rate is made again after a while.
 *
 * @throws Refusal that names the call by vendor, method and path, and the status; nothing that was sent or answered
 */
export function vendorLine(
  vendor: string,
  { baseUrl, token, headers = {} }: VendorAccess & { readonly headers?: Readonly<Record<string, string>> },
): VendorLine {
  return async (schema, { method, path, query, form, json }) => {
    const url = new URL(path, baseUrl);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    const failed = (what: string) => new Refusal(`${vendor} ${what} to ${method} ${path}.`);
    for (let tries = 1; ; tries += 1) {
      await sleep(pauseMs);
      const response = await fetch(url, {
        method,
        redirect: "error",
        headers: {
          Authorization: `Bearer ${token}`,
          ...(json === undefined ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
        ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
      }).catch((error: unknown) => {
        throw new Refusal(`${vendor} did not answer ${method} ${path}.`, { cause: error });
      });
      if (response.status === 429 && tries < mostTries) {
        await response.body?.cancel();
        await sleep(waitMs);
        continue;
      }
      if (!response.ok) throw failed(`answered ${response.status}`);
      const parsed = schema.safeParse(await response.json().catch(() => undefined));
      if (!parsed.success) throw failed("answered something unexpected");
      return parsed.data;
    }
  };
}

/** Where a vendor is, and what lets in. */
export interface VendorAccess {
  readonly baseUrl: string;
  readonly token: string;
}
