import type { PortalSettings } from "./options.ts";
import { invalidProperty, type Reply } from "./replies.ts";

const writable = ["email", "firstname", "lastname", "phone", "company", "city", "lifecyclestage"];
const readOnly = [
  "createdate",
  "lastmodifieddate",
  "hs_object_id",
  "hs_additional_emails",
  "hs_email_optout",
];

/** How closely a property is guarded. */
export type Sensitivity = "non_sensitive" | "sensitive" | "highly_sensitive";

/** Properties of contacts that may be written. */
export function knownProperties(settings: PortalSettings): readonly string[] {
  return [
    ...writable,
    ...settings.properties,
    ...settings.sensitiveProperties,
    ...settings.highlySensitiveProperties,
  ];
}

/** What the list of properties shows of one sensitivity. */
export function listedProperties(settings: PortalSettings, sensitivity: Sensitivity): readonly string[] {
  if (sensitivity === "sensitive") return settings.sensitiveProperties;
  if (sensitivity === "highly_sensitive") return settings.highlySensitiveProperties;
  const optOuts = settings.definitions.map(({ id }) => `hs_email_optout_${id}`);
  return [...writable, ...readOnly, ...optOuts, ...settings.properties];
}

/** The scope that values of a sensitivity are seen with; none needed for the rest. */
export const scopeOf: Readonly<Record<Sensitivity, string | undefined>> = {
  non_sensitive: undefined,
  sensitive: "crm.objects.contacts.sensitive.read.v2",
  highly_sensitive: "crm.objects.contacts.highly_sensitive.read.v2",
};

/** Whether the token sees a property's values. */
export function visibleProperties(settings: PortalSettings): (name: string) => boolean {
  const may = (sensitivity: Sensitivity) => settings.scopes.includes(scopeOf[sensitivity] ?? "");
  return (name) =>
    (may("sensitive") || !settings.sensitiveProperties.includes(name)) &&
    (may("highly_sensitive") || !settings.highlySensitiveProperties.includes(name));
}

/** The rule that a contact with these properties would break; only versions from 2026-09 on enforce them. */
export function ruleBroken(
  { requiredProperties }: PortalSettings,
  version: string,
  properties: Readonly<Record<string, string>>,
): Reply | undefined {
  if (version < "2026-09") return undefined;
  const broken = requiredProperties.find(
    ({ property, when }) =>
      (properties[property] ?? "") === "" && (when === undefined || properties[when.property] === when.value),
  );
  if (broken === undefined) return undefined;
  const condition = broken.when === undefined ? "" : ` when ${broken.when.property} is ${broken.when.value}`;
  return invalidProperty(
    broken.property,
    `The property ${broken.property} is required${condition}.`,
    broken.when === undefined ? "MISSING_REQUIRED_PROPERTY" : "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
  );
}
