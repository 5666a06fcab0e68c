import type { DeliveryReport, ReportKind } from "@heed/core/contract";
import { readDeliveryStatus, type Fate } from "./delivery-status.ts";
import { readFailedRecipients } from "./failed-recipients.ts";
import { valueOf, valuesOf, type Fields } from "./fields.ts";
import { fieldsOf, readMime, textOf, type Mime } from "./read-mime.ts";
import { aboutMessage, returnedFields } from "./returned-message.ts";

/** What a mail says of a message that had left. Nobody has vouched for it yet: it counts by its tag alone. */
export interface Report extends Pick<DeliveryReport, "recipient"> {
  readonly kind: ReportKind;
  /** The `returnTag` of the message, where the report names it. */
  readonly tag?: string;
  /** The message's Message-ID, where the report names it. */
  readonly messageId?: string;
}

/**
 * Reads a bounce or a complaint: delivery status notifications (RFC 3464, RFC 6533), Exim's bounces for people, feedback
 * reports (RFC 5965). Empty for any other mail, and for a report that says nothing to act upon: delayed, relayed,
 * delivered, refused for an unknown reason, `not-spam`. Pure; never throws.
 *
 * `recipient` is there only where a report tells of several addresses: which of them the message was for is not the
 * report's to say.
 */
export async function readReport(raw: Uint8Array): Promise<readonly Report[]> {
  const mime = await readMime(raw);
  return mime === undefined ? [] : (reportsIn(mime) ?? []);
}

/** The complaints of RFC 5965 3.3 and its registry by which a recipient says: no more of this. */
const complaints: ReadonlySet<string> = new Set(["abuse", "fraud", "opt-out"]);

/** More than one message of ours could ever have; whoever writes more is not reporting. */
const maxRecipients = 20;

/** Undefined for a mail that is no report at all. */
export function reportsIn(mime: Mime): readonly Report[] | undefined {
  const { fields, parts } = mime;
  const feedback = parts.find(({ type }) => type === "message/feedback-report");
  if (feedback !== undefined) {
    const report = fieldsOf(feedback);
    const type = valueOf(report, "feedback-type")?.toLowerCase() ?? "";
    const recipients = valuesOf(report, "original-rcpt-to");
    const kind = complaints.has(type) ? "complaint" : undefined;
    const fates = recipients.map((recipient): Fate => ({ recipient: plain(recipient), kind }));
    return tell(fates.length > 1 ? fates : [{ recipient: undefined, kind }], report, mime);
  }
  const status = parts.find(({ type }) => /^message\/(?:global-)?delivery-status$/.test(type));
  if (status !== undefined) {
    const { message, fates } = readDeliveryStatus(textOf(status));
    return tell(fates, message, mime);
  }
  const failed = valuesOf(fields, "x-failed-recipients");
  if (failed.length > 0) {
    const { fates, returned } = readFailedRecipients(failed, mime.text);
    return tell(fates, [], mime, returned);
  }
  return /^multipart\/report\b/i.test(valueOf(fields, "content-type") ?? "") ? [] : undefined;
}

function tell(
  fates: readonly Fate[],
  report: Fields,
  { fields, parts }: Mime,
  returned: Fields = returnedFields(parts),
): readonly Report[] {
  const about = aboutMessage(report, returned, fields);
  const isOfSeveral = fates.length > 1;
  return fates.slice(0, maxRecipients).flatMap(({ recipient, kind }) => {
    if (kind === undefined || (isOfSeveral && recipient === undefined)) return [];
    return [{ kind, ...about, ...(isOfSeveral && recipient !== undefined && { recipient }) }];
  });
}

const plain = (address: string): string => address.replace(/^<(.*)>$/, "$1").trim();
