import { HeedError, type Refusal } from "@heed/core/contract";

/** The person does not want the message. Nothing left. Only a transporter behind `gate()` throws it. */
export class MailBlockedError extends HeedError {
  override readonly name = "MailBlockedError";
  /** Why. */
  readonly because: Refusal;

  constructor(because: Refusal) {
    super(`The message was not sent: ${because}.`, { code: "mail-blocked" });
    this.because = because;
  }
}
