import type { HubspotPortal } from "../src/testing/portal.ts";

/** What a portal answered. */
export interface PortalAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, or the text itself where it is no JSON. */
  readonly body: unknown;
}

/** Asks a portal in the same process, with its own token unless another is given. */
export async function askPortal(
  portal: HubspotPortal,
  method: string,
  path: string,
  body?: object,
  token = portal.accessToken,
): Promise<PortalAnswer> {
  const response = await portal.answer(
    new Request(`https://api.hubapi.com${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  return { status: response.status, headers: response.headers, body: parsed(await response.text()) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
