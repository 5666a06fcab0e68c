import { type Checked, type OperationName, RejectedError } from "@heed/core/contract";
import type { Account } from "./account-calls.ts";
import type { AccountMemory } from "./account-memory.ts";
import { type ExportPart, optionalParts } from "./export.ts";
import type { HubspotCalls } from "./hubspot-calls.ts";
import type { HubspotTopic } from "./topics.ts";

/** What was set, for comparing with what the account says. */
export interface Declared {
  readonly topics: Readonly<Record<string, HubspotTopic>>;
  readonly timeZone: string | undefined;
  readonly rateLimit: { readonly calls: number; readonly perMs: number };
  readonly dailyCalls: number;
  readonly exportWithout: readonly ExportPart[];
}

/** One thing that a token may or may not do, and what cannot be done without it. */
interface Need {
  readonly scope: string;
  readonly operations: readonly OperationName[];
  readonly probe: () => Promise<unknown>;
  /** What to do where the scope cannot be had. */
  readonly or?: string;
}

const contacts = [
  "erase",
  "exclude",
  "export",
  "observe",
  "rectify",
  "restrict",
  "subscribe",
  "unsubscribe",
] as const;
const preferences = ["exclude", "export", "observe", "subscribe", "unsubscribe"] as const;
const nobody = ["nobody@heed.invalid", "nobody-else@heed.invalid"] as const;

/**
 * Opens the account and says which one it is, which scopes each operation lacks, which topics are bound to a
 * subscription type that HubSpot does not know (or knows under another brand), and what of the options does not fit
 * the account. Scopes show in how HubSpot answers: reads, and writes about a contact and an address that cannot exist.
 * Nothing is changed.
 *
 * @throws RejectedError when the token opens no account at all
 */
export async function checkAccount(
  calls: HubspotCalls,
  memory: AccountMemory,
  declared: Declared,
): Promise<Checked> {
  const account = await calls.account();
  const readTickets = () => calls.readAssociations("contacts", "tickets", ["0"]);
  const definitions: Awaited<ReturnType<HubspotCalls["definitions"]>> = [];
  const needs: readonly Need[] = [
    {
      scope: "crm.objects.contacts.read",
      operations: contacts,
      probe: () => calls.readContacts("id", ["0"], false),
    },
    {
      scope: "crm.objects.contacts.write",
      operations: ["erase", "exclude", "rectify"],
      probe: () => calls.patchNobody(),
    },
    {
      scope: "communication_preferences.read_write",
      operations: preferences,
      probe: async () => definitions.push(...(await calls.definitions())),
    },
    {
      scope: "communication_preferences.read_write",
      operations: preferences,
      probe: () => calls.unsubscribeNobody(),
    },
    {
      scope: "tickets",
      operations: ["erase", "exclude"],
      probe: readTickets,
    },
    {
      scope: "crm.schemas.contacts.read",
      operations: ["export"],
      probe: () => calls.propertyNames("contacts"),
    },
    ...exportNeeds(calls, declared.exportWithout, readTickets),
  ];
  const lacks = new Map<string, Checked["lacks"][number]>();
  const mayNot = new Set<string>();
  const permitted = new Map<Need["probe"], boolean>();
  for (const { scope, operations, probe, or } of needs) {
    const may = permitted.get(probe) ?? (await isPermitted(probe));
    permitted.set(probe, may);
    if (may) continue;
    mayNot.add(scope);
    const needed = or === undefined ? `scope ${scope}` : `scope ${scope}, or ${or}`;
    for (const operation of operations) lacks.set(`${operation} ${scope}`, { operation, needs: needed });
  }
  const knowsDefinitions = !mayNot.has("communication_preferences.read_write") || definitions.length > 0;
  const isKnown = ({ subscriptionId, brandId }: HubspotTopic) =>
    definitions.some(
      (each) => each.id === subscriptionId && (each.businessUnitId ?? "0") === (brandId ?? "0"),
    );
  const unknownTopics = knowsDefinitions
    ? Object.entries(declared.topics).flatMap(([topic, binding]) => (isKnown(binding) ? [] : topic))
    : [];
  const brands = new Set(definitions.map(({ businessUnitId }) => businessUnitId ?? "0"));
  const remarks = [
    ...(await tierRemark(calls, memory, mayNot)),
    ...(brands.size > 1
      ? [
          `The account has ${brands.size} brands (${[...brands].toSorted().join(", ")}): an opt-out from everything is told to each of them, and read back one address at a time.`,
        ]
      : []),
    ...fitRemarks(account, declared),
  ];
  return {
    account: account.portalId,
    lacks: [...lacks.values()],
    unknownTopics,
    ...(remarks.length > 0 ? { remarks } : {}),
  };
}

/** Whether preferences go by the hundred, found out by reading those of addresses that cannot exist. */
async function tierRemark(
  calls: HubspotCalls,
  memory: AccountMemory,
  mayNot: ReadonlySet<string>,
): Promise<readonly string[]> {
  if (mayNot.has("communication_preferences.read_write")) return [];
  if (await isPermitted(() => calls.statusesOfMany(nobody, undefined))) {
    memory.noteBatches();
    return [];
  }
  memory.noteNoBatches(calls.now());
  return [
    "Opt-outs go one address at a time: batches of preferences need Marketing Hub Enterprise and the scopes communication_preferences.statuses.batch.read and .write.",
  ];
}

/** What an export reads besides: each part with a scope of its own, but for those that are left out. */
function exportNeeds(
  calls: HubspotCalls,
  leftOut: readonly ExportPart[],
  readTickets: Need["probe"],
): readonly Need[] {
  const ofType = (type: string) => () => calls.readAssociations("contacts", type, ["0"]);
  const parts: Readonly<Partial<Record<ExportPart, readonly [scope: string, probe: Need["probe"]]>>> = {
    "sensitive-properties": [
      "crm.objects.contacts.sensitive.read.v2",
      () => calls.propertyNames("contacts", "sensitive"),
    ],
    "highly-sensitive-properties": [
      "crm.objects.contacts.highly_sensitive.read.v2",
      () => calls.propertyNames("contacts", "highly_sensitive"),
    ],
    lists: ["crm.lists.read", () => calls.memberships("0")],
    tickets: ["tickets", readTickets],
    deals: ["crm.objects.deals.read", ofType("deals")],
    companies: ["crm.objects.companies.read", ofType("companies")],
  };
  return optionalParts.flatMap((part) => {
    const [scope, probe] = parts[part] ?? [];
    if (scope === undefined || probe === undefined || leftOut.includes(part)) return [];
    return { scope, operations: ["export"], or: `"${part}" in the option exportWithout`, probe };
  });
}

/** What of the options does not fit the account. */
function fitRemarks(account: Account, { timeZone, rateLimit, dailyCalls }: Declared): readonly string[] {
  const remarks: string[] = [];
  if (account.timeZone !== undefined && account.timeZone !== timeZone) {
    const isSet = timeZone === undefined ? "is not set" : `says ${timeZone}`;
    remarks.push(
      `The account's day ends in ${account.timeZone}, and the option timeZone ${isSet}: the daily quota is counted only with the right one.`,
    );
  }
  const { burst, daily } = account;
  if (burst !== undefined && burst.calls / burst.perMs !== rateLimit.calls / rateLimit.perMs) {
    const { calls, perMs } = burst;
    remarks.push(
      `HubSpot allows this token ${calls} calls in ${perMs} ms, and the option rateLimit says ${rateLimit.calls} in ${rateLimit.perMs} ms.`,
    );
  }
  if (daily !== undefined && daily !== dailyCalls) {
    remarks.push(
      `HubSpot allows the account ${daily} calls a day, and the option dailyCalls says ${dailyCalls}.`,
    );
  }
  return remarks;
}

/** Refused for lack of a scope, or for what it asks, which is meant to be refused? */
async function isPermitted(probe: () => Promise<unknown>): Promise<boolean> {
  try {
    await probe();
    return true;
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    if (error.status === 400 || error.code === "object-not-found") return true;
    if (error.status === 403) return false;
    throw error;
  }
}
