import { getResponse } from "msw";
import type { HubspotPortal } from "../src/testing/portal.ts";

/** What a portal answered. */
export interface PortalAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, or the text itself where it is no JSON. */
  readonly body: unknown;
}

/** Asks a portal by its MSW handlers, with its own token unless another is given. */
export async function askPortal(
  portal: HubspotPortal,
  method: string,
  path: string,
  body?: object,
  token = portal.accessToken,
): Promise<PortalAnswer> {
  const response = await getResponse(
    portal.handlers(),
    new Request(`https://api.hubapi.com${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  if (response === undefined) throw new TypeError("No handler answered.");
  return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
