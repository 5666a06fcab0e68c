import { createMailer, type MailerOptions, type SendAsk } from "./index.ts";

declare const options: MailerOptions<"news" | "receipts">;
declare const rest: Omit<SendAsk, "topic">;
declare const envelope: Pick<SendAsk, "to" | "messageKey">;

const mailer = createMailer(options);
void mailer.send({ ...rest, topic: "news" });
// @ts-expect-error -- a topic that the permits do not know
void mailer.send({ ...rest, topic: "offers" });
// @ts-expect-error -- nothing to send
void mailer.send({ ...envelope, topic: "news" });
// @ts-expect-error -- a mailer without `render` has no templates
void mailer.send({ ...envelope, topic: "news", template: { name: "welcome", language: "en", data: {} } });
