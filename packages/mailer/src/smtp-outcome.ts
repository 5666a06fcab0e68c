import type { MailOutcome, RejectionKind, ReplyCode } from "./outcome.ts";
import type { Answer, SmtpFailure } from "./smtp-session.ts";

/** What the answer to a message means. The facts behind each line: RFC 5321 4.2, RFC 3463 3. */
export function outcomeOf(answer: Answer, messageId: string): MailOutcome {
  if (answer.taken) {
    // A server that accepts what it has not read to the end is not believed.
    if (!answer.handedOver) return { status: "unknown", messageId };
    const { queueId } = answer;
    return { status: "accepted", messageId, ...(queueId !== undefined && { queueId }) };
  }
  const { failure, handedOver } = answer;
  const { code, enhanced } = failure;
  if (code !== undefined && isAboutMessage(failure, handedOver)) {
    const reply: ReplyCode = { code, ...(enhanced !== undefined && { enhanced }) };
    return code < 500
      ? { status: "deferred", ...reply }
      : { status: "rejected", kind: kindOf(failure), ...reply };
  }
  return handedOver ? { status: "unknown", messageId } : notSent(failure);
}

/** Nothing was said of the message: connecting or logging in failed, or the connection broke in between. */
export function notSent({ kind, code }: SmtpFailure): MailOutcome & { status: "notSent" } {
  const withCode = code === undefined ? {} : { code };
  if (kind === "EAUTH" || kind === "ENOAUTH")
    return { status: "notSent", because: "credentials", ...withCode };
  if (kind === "ETLS") return { status: "notSent", because: "tls", ...withCode };
  if (kind === "ETIMEDOUT") return { status: "notSent", because: "timeout" };
  if (code !== undefined) return { status: "notSent", because: "refused", code };
  return { status: "notSent", because: "connection" };
}

const transaction = new Set(["MAIL FROM", "RCPT TO", "DATA"]);

/** A reply to a command of this message, or the 421 with which a server may end any. Cut short, it is neither. */
function isAboutMessage({ command, code }: SmtpFailure, handedOver: boolean): boolean {
  return transaction.has(command) || (code === 421 && !handedOver);
}

/** Never "recipient" without the server saying so: a wrong guess would silence a living address. */
function kindOf({ command, enhanced = "" }: SmtpFailure): RejectionKind {
  const [, subject, detail] = enhanced.split(".");
  if (subject === "7") return "policy";
  if (command === "MAIL FROM") return subject === "3" ? "message" : "sender";
  if (subject === "1") return detail === "7" || detail === "8" ? "sender" : "recipient";
  if (subject === "2") return detail === "1" ? "recipient" : detail === "3" ? "message" : "policy";
  if (subject === "3" || subject === "6") return "message";
  return command === "DATA" ? "message" : "policy";
}
