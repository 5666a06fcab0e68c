import { readFields, valueOf, type Fields } from "./fields.ts";
import { readGenericAddress } from "./generic-address.ts";
import { isVague, kindOfStatus, statusIn } from "./status.ts";
import type { ReportKind } from "@heed/core/contract";

/** What was said of one address. */
export interface Fate {
  readonly recipient: string | undefined;
  /** Absent: it arrived, may still arrive, or failed for a reason that is no reason to do anything. */
  readonly kind: ReportKind | undefined;
}

/**
 * Reads the machine-readable part of a delivery status notification (RFC 3464 2.1): a group of fields about the message,
 * then one about each recipient.
 */
export function readDeliveryStatus(text: string): { message: Fields; fates: readonly Fate[] } {
  const groups = text
    .split(/(?:\r?\n[\t ]*){2,}/)
    .map(readFields)
    .filter((group) => group.length > 0);
  return { message: groups[0] ?? [], fates: groups.filter(isAboutRecipient).map(fateOf) };
}

const isAboutRecipient = (group: Fields): boolean => valueOf(group, "action") !== undefined;

function fateOf(group: Fields): Fate {
  const recipient =
    readGenericAddress(valueOf(group, "original-recipient")) ??
    readGenericAddress(valueOf(group, "final-recipient"));
  // `delayed`, `relayed`, `expanded` and `delivered` are no end, or a good one.
  if (!/^failed\b/i.test(valueOf(group, "action") ?? "")) return { recipient, kind: undefined };
  const [, status] = /^(\d\.\d{1,3}\.\d{1,3})(?!\S)/.exec(valueOf(group, "status") ?? "") ?? [];
  const said = isVague(status) ? (statusIn(valueOf(group, "diagnostic-code")) ?? status) : status;
  return { recipient, kind: kindOfStatus(said) };
}
