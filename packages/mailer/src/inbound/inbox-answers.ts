import { HeedError, isHeedError, type InvalidInputError } from "@heed/core/contract";
import type { MailOutcome } from "../outcome.ts";
import { refuse } from "../parse.ts";
import { messageIdPattern, type Message } from "../outgoing.ts";
import { systemMail } from "../texts/system-mail.ts";
import type { Right } from "../texts/catalogue.ts";
import { createLinks, sampleToken, type UnsubscribeOptions } from "../unsubscribe-link.ts";
import type { Settings } from "./inbox-options.ts";
import { loopHeader } from "./is-automatic.ts";

/** Whom to answer, and to what. */
interface To {
  readonly to: string;
  /** Undefined where the mail does not tell. */
  readonly language: string | undefined;
  /** The Message-ID of the mail that is answered, as it came. */
  readonly inReplyTo: string | undefined;
}

/** What is acknowledged. */
interface Acknowledged {
  /** `inquiry`: somebody has to read what it is. */
  readonly right: Right | "inquiry";
  readonly receivedAt: string;
  readonly dueOn: string;
  /** For whoever has yet to show that the address is theirs. */
  readonly invitation?: { readonly token: string; readonly expiresAt: string } | undefined;
}

/** The answers of an inbox, each, and that to each right, at most once a day to one address. */
export interface InboxAnswers {
  /** Asks whoever has the address to confirm by a link; true when they were asked today. */
  confirm(ask: To & { readonly token: string; readonly list: string | undefined }): Promise<boolean>;
  /** Tells that a request has come in; true when they were told today. */
  acknowledge(ask: To & Acknowledged): Promise<boolean>;
}

/** @throws InvalidInputError where no answer could be written: better now than when somebody waits for one */
export function inboxAnswers<T extends string, P extends string, R extends string>({
  answers,
  mailer,
  clock,
}: Pick<Settings<T, P, R>, "answers" | "mailer" | "clock">): InboxAnswers {
  const { topic, controller, contact, language: usual = "en" } = answers;
  const unsubscribeLink = linksOf("unsubscribeUrl", answers.unsubscribeUrl);
  const invitationLink = linksOf("invitationUrl", answers.invitationUrl);
  const sender = { controller, contact };
  systemMail("confirm-unsubscribe", usual, { ...sender, link: unsubscribeLink(sampleToken) });
  const languageOf = (language: string | undefined) =>
    language === "en" || language === "sv" ? language : usual;

  async function send(kind: string, { to, inReplyTo }: To, message: Message): Promise<boolean> {
    const day = clock.now().toISOString().slice(0, 10);
    try {
      const outcome = await mailer.send({
        topic,
        to,
        messageKey: `${kind}:${day}`,
        message: { ...message, headers: { [loopHeader]: "inbox" } },
        ...(inReplyTo !== undefined && messageIdPattern.test(inReplyTo) && { inReplyTo }),
      });
      return wasTold(outcome);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // Their mail would come again for days, and never be answered.
      if (error.issues.some(({ path }) => path === "to")) return false;
      throw wrongTopic(error);
    }
  }

  return {
    confirm: ({ token, list, ...to }) => {
      const link = unsubscribeLink(token);
      const data = { ...sender, link, ...(list !== undefined && { topic: list }) };
      return send(
        "confirm-unsubscribe",
        to,
        systemMail("confirm-unsubscribe", languageOf(to.language), data),
      );
    },
    acknowledge: ({ right, receivedAt, dueOn, invitation, ...to }) => {
      const data = { ...sender, receivedAt, dueOn };
      const show = invitation && {
        link: invitationLink(invitation.token),
        expiresAt: invitation.expiresAt,
      };
      const mail =
        right === "inquiry"
          ? systemMail("inquiry-received", languageOf(to.language), data)
          : systemMail("request-received", languageOf(to.language), { ...data, right, ...show });
      // A question's answer must not use up that which brings the link.
      return send(`request-received:${right}`, to, mail);
    },
  };
}

/** Makes the links of an option. @throws InvalidInputError where it makes none */
function linksOf(option: string, url: UnsubscribeOptions["url"]): (token: string) => string {
  try {
    const links = createLinks({ url });
    links(sampleToken);
    return (token) => links(token).url;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw refuse("inbox's options", `answers.${option}`, error.issues[0]?.message ?? "not a link");
  }
}

const isRefusal = (error: unknown): error is InvalidInputError =>
  isHeedError(error) && error.name === "InvalidInputError";

/** The rest of an answer is heed's own, and was tried when the inbox was made. */
function wrongTopic(cause?: unknown): HeedError {
  return new HeedError(
    "The inbox cannot answer with its `answers.topic`: name a topic of the policy of class transactional or legal.",
    { code: "answers-topic", cause },
  );
}

/** @throws HeedError `answer-not-sent` where the same can be tried again: nothing of the mail is lost then; `answers-topic` */
function wasTold(outcome: MailOutcome): boolean {
  switch (outcome.status) {
    case "accepted":
    case "unknown":
      return true;
    case "blocked":
      if (outcome.because === "restore-needed") break;
      if (outcome.because === "topic-not-covered") throw wrongTopic();
      return outcome.because === "already-sent";
    case "rejected":
      return false;
    case "deferred":
    case "notSent":
      break;
  }
  throw new HeedError("A mail could not be answered now; it is to be given to the inbox again.", {
    code: "answer-not-sent",
  });
}
