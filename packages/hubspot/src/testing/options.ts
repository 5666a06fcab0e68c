/** A subscription type of the portal, as a marketer set it up. */
export interface PortalDefinition {
  /** HubSpot's id: digits. */
  readonly id: string;
  readonly name?: string;
  /** The brand (business unit) that it belongs to. Default `"0"`, the account's own brand. */
  readonly brandId?: string;
}

/** A property that a contact must have: always, or when another one has a value. */
export interface PortalRule {
  readonly property: string;
  readonly when?: { readonly property: string; readonly value: string };
}

/**
 * How the portal behaves. What HubSpot does not document is a switch here, so that an adapter can be shown
 * to be right either way; its default is the likelier reading.
 */
export interface HubspotPortalOptions {
  /** Default `"8675309"`. */
  readonly portalId?: string;
  /** The one token that opens the portal. Default `"pat-eu1-stand-in"`. */
  readonly accessToken?: string;
  /** The app's secret, which signs webhooks. Default `"stand-in-secret"`. */
  readonly clientSecret?: string;
  /** Whether a status shows the explanation that was filed with it. Default true. */
  readonly statusesShowExplanation?: boolean;
  /** What the token may do. Default: everything that the portal knows. */
  readonly scopes?: readonly string[];
  /** IANA zone of the account; its midnight ends the daily quota. Default `"Europe/Stockholm"`. */
  readonly timeZone?: string;
  /** Default: none. */
  readonly definitions?: readonly PortalDefinition[];
  /** Contact properties beyond HubSpot's own. */
  readonly properties?: readonly string[];
  /** Contact properties that hold sensitive data: unseen without a scope of their own. Default: none. */
  readonly sensitiveProperties?: readonly string[];
  /** As `sensitiveProperties`, for highly sensitive data. Default: none. */
  readonly highlySensitiveProperties?: readonly string[];
  /** What an administrator demands of a contact: enforced on writes from version 2026-09 on. Default: nothing. */
  readonly requiredProperties?: readonly PortalRule[];
  /** What the account pays for. Batches of preferences are for `"enterprise"`. Default `"free"`. */
  readonly tier?: "free" | "starter" | "professional" | "enterprise";
  /** The clock. Default: the machine's. */
  readonly now?: () => Date;
  /** Dated versions that are routed. Default `["2026-03", "2026-09"]`. */
  readonly versions?: readonly string[];

  /** How many of the newest calls, and of the newest events, are remembered. Default: all. */
  readonly remembers?: number;
  /** The rolling limit. Default: 100 calls per 10,000 ms, as of a free account. */
  readonly burst?: { readonly calls: number; readonly perMs: number };
  /** Calls per day of the account. Default 250,000. */
  readonly dailyCalls?: number;
  /** Whether a 429 says `Retry-After`; HubSpot does not document it. Default false. */
  readonly retryAfterHeader?: boolean;

  /** How late reads see writes, in milliseconds. Default 0. */
  readonly lagMs?: number;
  /** How late the `hs_email_optout*` properties follow a preference, in milliseconds. Default 10,000. */
  readonly optOutPropertyDelayMs?: number;
  /** The order of rows and errors in a batch answer, which HubSpot does not keep. Default: reversed. */
  readonly arrange?: <T>(rows: readonly T[]) => readonly T[];

  /** Data privacy settings: whether a preference needs a legal basis. Default true. */
  readonly privacySettings?: boolean;
  /** What GDPR delete answers for an id that is gone already. Default 404. */
  readonly deleteAgain?: 204 | 404;
  /** Whether GDPR delete reaches an archived contact; it answers 204 either way. Default `"erased"`. */
  readonly deleteArchived?: "erased" | "kept";
  /** What becomes of an address's preferences when its contact is erased. Default `"removed"`. */
  readonly preferencesAfterErasure?: "removed" | "kept";
  /** Whether setting a preference for an unknown address creates a contact. Default false. */
  readonly preferenceCreatesContact?: boolean;
  /** Which statuses a read without `businessUnitId` shows. Default `"all"`. */
  readonly statusesWithoutBrand?: "all" | "account-brand";
  /** Whether reading the opt-out of everything needs `verbose=true`, as writing it does. Default false. */
  readonly wideReadNeedsVerbose?: boolean;
  /** What SUBSCRIBED does under an opt-out of everything. Default `"stays-out"`. */
  readonly subscribeUnderOptOut?: "stays-out" | "lifts";
  /** Most addresses in one batch of preferences; HubSpot documents none. Default 100. */
  readonly preferenceBatchMax?: number;
  /** What a larger batch of preferences is answered with. Default 400. */
  readonly preferenceBatchTooLarge?: 400 | 413;
  /** The status of a batch of preferences of which some were refused. Default 200. */
  readonly preferenceBatchPartial?: 200 | 207;
  /** What archiving an id that is not there is answered with. Default 204. */
  readonly archiveUnknown?: 204 | 404;
  /** Whether an answer about associations names the objects that have none. Default `"named"`. */
  readonly withoutAssociations?: "named" | "omitted";
  /** How many associations of one object, or memberships of one contact, a page has. Default 500. */
  readonly pageSize?: number;
  /** What reading a contact under an id that was merged away gives. Default `"redirect"`. */
  readonly mergedIds?: "redirect" | "gone";
  /** Under which id a merged contact goes on. Default `"primary"`. */
  readonly mergedContact?: "primary" | "new-id";
}

/** The scopes that the portal asks for. */
export const allScopes = [
  "crm.objects.contacts.read",
  "crm.objects.contacts.write",
  "crm.objects.contacts.sensitive.read.v2",
  "crm.objects.contacts.highly_sensitive.read.v2",
  "crm.schemas.contacts.read",
  "crm.objects.companies.read",
  "crm.objects.deals.read",
  "crm.lists.read",
  "sales-email-read",
  "tickets",
  "communication_preferences.read_write",
  "communication_preferences.statuses.batch.read",
  "communication_preferences.statuses.batch.write",
] as const;

/** The options with every default filled in. */
export type PortalSettings = Required<HubspotPortalOptions>;

export function withDefaults(options: HubspotPortalOptions): PortalSettings {
  return {
    portalId: "8675309",
    accessToken: "pat-eu1-stand-in",
    clientSecret: "stand-in-secret",
    statusesShowExplanation: true,
    scopes: allScopes,
    timeZone: "Europe/Stockholm",
    definitions: [],
    properties: [],
    sensitiveProperties: [],
    highlySensitiveProperties: [],
    requiredProperties: [],
    tier: "free",
    now: () => new Date(),
    versions: ["2026-03", "2026-09"],
    remembers: Number.POSITIVE_INFINITY,
    burst: { calls: 100, perMs: 10_000 },
    dailyCalls: 250_000,
    retryAfterHeader: false,
    lagMs: 0,
    optOutPropertyDelayMs: 10_000,
    arrange: (rows) => rows.toReversed(),
    privacySettings: true,
    deleteAgain: 404,
    deleteArchived: "erased",
    preferencesAfterErasure: "removed",
    preferenceCreatesContact: false,
    statusesWithoutBrand: "all",
    wideReadNeedsVerbose: false,
    subscribeUnderOptOut: "stays-out",
    preferenceBatchMax: 100,
    preferenceBatchTooLarge: 400,
    preferenceBatchPartial: 200,
    archiveUnknown: 204,
    withoutAssociations: "named",
    pageSize: 500,
    mergedIds: "redirect",
    mergedContact: "primary",
    ...options,
  };
}
