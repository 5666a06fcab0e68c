import type { HubspotClient } from "../hubspot-client.ts";

/**
 * What heed needs of HubSpot's own client, with no connection: each request is handed to a function. Of what
 * `apiRequest` takes, it knows method, path, query and body, which is all that the adapter says.
 */
export function clientOf(
  answer: (request: Request) => Promise<Response>,
  accessToken: string,
): HubspotClient {
  return {
    config: { accessToken },
    async apiRequest({ method = "GET", path = "", qs, body } = {}) {
      const query = qs === undefined ? "" : `?${new URLSearchParams(qs).toString()}`;
      const response = await answer(
        new Request(`https://api.hubapi.com${path}${query}`, {
          method,
          headers: { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/json" },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      );
      if (response.type === "error") throw new TypeError("fetch failed");
      return response;
    },
  };
}
