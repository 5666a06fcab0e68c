import type { WindowLimit } from "@heed/core/contract";
import { z } from "zod";
import type { Engagements, EngagementType } from "./engagements.ts";
import { type ExportPart, optionalParts } from "./export.ts";
import type { HubspotAccess } from "./hubspot-client.ts";
import type { HubspotTopic } from "./topics.ts";
import type { HubspotWebhooks } from "./webhook.ts";

/** How {@link hubspot} reaches which portal, and what your topics are there. */
export type HubspotOptions<Topic extends string> = HubspotAccess & {
  /** The account. `check()` proves that the token opens this one. */
  readonly portalId: string | number;
  /** Each topic of the policy that HubSpot sends, and its subscription type. */
  readonly topics: Readonly<Record<Topic, HubspotTopic>>;
  /** The dated version of HubSpot's API. Default `"2026-09"`. */
  readonly apiVersion?: string;
  /** How long reads may lag behind a write, in milliseconds. Default 30,000; HubSpot documents none. */
  readonly settlingMs?: number;
  /** What the app may call. Default 100 calls in 10,000 ms, as of a free account. */
  readonly rateLimit?: WindowLimit;
  /** What the whole account may call in a day; counted when `timeZone` is given. Default 250,000, as of a free account. */
  readonly dailyCalls?: number;
  /**
   * The account's IANA zone. With it, the daily quota is counted, and used up waits until midnight there; without
   * it, HubSpot says when the quota is used up, and is asked again every hour.
   */
  readonly timeZone?: string;
  /**
   * Whether an erasure with `suppress` also puts addresses that no contact has on HubSpot's blocklist, by
   * deleting them by address. Default false: HubSpot is told no address that it does not have.
   */
  readonly blockUnknownAddresses?: boolean;
  /**
   * What becomes of a person's notes, calls, e-mails, tasks, meetings and tickets that are about nobody else, type by
   * type: `"archive"` puts them in HubSpot's recycle bin, which is emptied after 90 days; `"keep"` leaves them, and says
   * so. What the policy keeps by category (`tickets`) is left either way. Default: `"archive"` for every type.
   */
  readonly engagements?: Partial<Engagements>;
  /**
   * Parts that an export leaves out, and names as left out: what the account has nothing of, or what the token may not
   * see. Default: none, and an export fails where the token may not see a part.
   */
  readonly exportWithout?: readonly ExportPart[];
  /** Takes HubSpot's webhooks in: `heed.webhooks.receive()`. Default: none are taken. */
  readonly webhooks?: HubspotWebhooks;
};

const disposal = z.enum(["archive", "keep"]).optional();
const engagementShape = {
  notes: disposal,
  calls: disposal,
  emails: disposal,
  tasks: disposal,
  meetings: disposal,
  tickets: disposal,
} satisfies Record<EngagementType, typeof disposal>;

// Ids are compared as strings with those that HubSpot writes as numbers, so one id has one spelling.
const digits = z.string().regex(/^(?:0|[1-9]\d*)$/, "must be digits without leading zeros");
const optionsSchema = z.strictObject({
  client: z
    .custom((value) => typeof value === "object" && value !== null && "apiRequest" in value)
    .optional(),
  accessToken: z.string().min(1).optional(),
  baseUrl: z.url({ protocol: /^https?$/ }).optional(),
  portalId: z.union([digits, z.int().positive()]),
  topics: z.record(
    z.string(),
    z.strictObject({
      subscriptionId: digits.refine((value) => Number.isSafeInteger(Number(value)), "is too large"),
      brandId: digits.optional(),
    }),
  ),
  apiVersion: z
    .string()
    .regex(/^\d{4}-\d{2}$/, "must be a dated version such as 2026-09")
    .optional(),
  settlingMs: z.number().nonnegative().optional(),
  rateLimit: z
    .strictObject({
      calls: z.int().positive(),
      perMs: z.number().positive(),
      burst: z.int().positive().optional(),
      delayMs: z.number().nonnegative().optional(),
    })
    .optional(),
  dailyCalls: z.int().positive().optional(),
  timeZone: z.string().refine(isTimeZone, "must be an IANA zone such as Europe/Stockholm").optional(),
  blockUnknownAddresses: z.boolean().optional(),
  engagements: z.strictObject(engagementShape).optional(),
  exportWithout: z.array(z.enum(optionalParts)).optional(),
  webhooks: z
    .strictObject({
      clientSecret: z.string().min(1),
      accepts: z.array(z.enum(["v1", "v2", "v3"])).optional(),
    })
    .optional(),
});

/** @throws TypeError that says which options cannot be used */
export function requireOptions(options: unknown): void {
  const { error } = optionsSchema.safeParse(options);
  if (error === undefined) return;
  const issues = error.issues.map(({ path, message }) => `${path.join(".") || "options"}: ${message}`);
  throw new TypeError(`hubspot cannot use its options. ${issues.join("; ")}`);
}

function isTimeZone(value: string): boolean {
  try {
    Intl.DateTimeFormat("en", { timeZone: value });
    return true;
  } catch {
    return false;
  }
}
