import { createMailer, type MailerOptions, type SendAsk } from "./index.ts";

declare const options: MailerOptions<"news" | "receipts">;
declare const rest: Omit<SendAsk, "topic">;

const mailer = createMailer(options);
void mailer.send({ ...rest, topic: "news" });
// @ts-expect-error -- a topic that the permits do not know
void mailer.send({ ...rest, topic: "offers" });
