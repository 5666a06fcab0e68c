import {
  createMailer,
  systemMail,
  type Language,
  type MailerOptions,
  type Message,
  type Render,
  type SendAsk,
  type SystemMails,
} from "./index.ts";

interface Templates {
  welcome: { readonly name: string };
  invoice: { readonly total: number };
}
declare const options: Omit<MailerOptions<"news" | "receipts">, "render">;
declare const to: Pick<SendAsk<"news" | "receipts">, "topic" | "to" | "messageKey">;
declare const message: Message;

const render: Render<Templates, "en" | "sv"> = async (name, language, data) => {
  if (name === "welcome") return { subject: data.name, text: language };
  // @ts-expect-error -- of an invoice, there is no name
  void data.name;
  return { subject: data.total.toFixed(2), text: name satisfies "invoice" };
};

const mailer = createMailer({ ...options, render });
void mailer.send({ ...to, template: { name: "welcome", language: "sv", data: { name: "Anna" } } });
void mailer.send({ ...to, message });
// @ts-expect-error -- another template's data
void mailer.send({ ...to, template: { name: "welcome", language: "sv", data: { total: 1 } } });
// @ts-expect-error -- no such template
void mailer.send({ ...to, template: { name: "wellcome", language: "sv", data: { name: "Anna" } } });
// @ts-expect-error -- no such language
void mailer.send({ ...to, template: { name: "welcome", language: "fi", data: { name: "Anna" } } });
// @ts-expect-error -- a template has data
void mailer.send({ ...to, template: { name: "welcome", language: "sv" } });
// @ts-expect-error -- one or the other
void mailer.send({ ...to, message, template: { name: "welcome", language: "sv", data: { name: "Anna" } } });
const welcome = { name: "welcome", language: "sv", data: { name: "Anna" } } as const;
// @ts-expect-error -- a topic that the permits do not know
void mailer.send({ ...to, topic: "offers", template: welcome });

const system: Render<SystemMails, Language> = systemMail;
void createMailer({ ...options, render: system });

// One's own templates and heed's mails.
const both: Render<Templates & SystemMails, Language> = (name, language, data) => {
  if (name === "welcome") return { subject: data.name, text: language };
  if (name === "invoice") return { subject: data.total.toFixed(2), text: language };
  return systemMail(name, language, data);
};
void createMailer({ ...options, render: both });
