import { createTransport } from "nodemailer";
import { gate, type GateOptions } from "./index.ts";

declare const options: GateOptions<"news" | "receipts">;

const gated = gate(createTransport({ host: "localhost", pool: true }), options);
const mail = { from: "a@acme.example", to: "b@dest.example", subject: "Hi", text: "Hi." };
const heed = { topic: "news", messageKey: "1" } as const;

void gated.sendMail({ ...mail, heed }).then(({ messageId, response }) => [messageId, response]);
gated.sendMail({ ...mail, heed }, (error, info) => [error?.responseCode, info.messageId]);
void gated.verify();
gated.close();

// @ts-expect-error -- a message that names no topic
void gated.sendMail(mail);
// @ts-expect-error -- a topic that the permits do not know
void gated.sendMail({ ...mail, heed: { ...heed, topic: "offers" } });
// @ts-expect-error -- a field that the gate refuses
void gated.sendMail({ ...mail, heed, bcc: "eve@dest.example" });
