import { listedProperties, scopeOf, type Sensitivity } from "./contact-properties.ts";
import type { PortalParts, Route } from "./endpoint.ts";
import { engagementProperties } from "./object-types.ts";
import { invalid, missingScopes } from "./replies.ts";

const sensitivities: readonly string[] = Object.keys(scopeOf);

function isSensitivity(value: string): value is Sensitivity {
  return sensitivities.includes(value);
}

/** The names of properties. Sensitive ones are listed only when asked for, and with their scope. */
export function propertyRoutes({ settings }: PortalParts): readonly Route[] {
  const list = (names: readonly string[]) => ({
    status: 200,
    body: { results: names.map((name) => ({ name, label: name, type: "string", fieldType: "text" })) },
  });
  return [
    {
      method: "get",
      path: "/crm/properties/:version/contacts",
      scopes: ["crm.schemas.contacts.read", "crm.objects.contacts.read"],
      answer({ query }) {
        const sensitivity = query.get("dataSensitivity") ?? "non_sensitive";
        if (!isSensitivity(sensitivity)) return invalid("dataSensitivity is invalid");
        const scope = scopeOf[sensitivity];
        if (scope !== undefined && !settings.scopes.includes(scope)) return missingScopes([scope]);
        return list(listedProperties(settings, sensitivity));
      },
    },
    {
      method: "get",
      path: "/crm/properties/:version/:type",
      scopes: [],
      answer: ({ params }) => list(engagementProperties(params["type"] ?? "")),
    },
  ];
}
