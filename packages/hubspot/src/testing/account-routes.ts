import type { PortalParts, Route } from "./endpoint.ts";

/** Which account the token opens. HubSpot answers it without a scope. */
export function accountRoutes({ settings }: PortalParts): readonly Route[] {
  return [
    {
      method: "get",
      path: "/account-info/:version/details",
      scopes: [],
      answer: () => ({
        status: 200,
        body: {
          portalId: Number(settings.portalId),
          accountType: "DEVELOPER_TEST",
          timeZone: settings.timeZone,
          dataHostingLocation: "eu1",
        },
      }),
    },
  ];
}
