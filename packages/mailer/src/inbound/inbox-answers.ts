import { HeedError } from "@heed/core/contract";
import type { MailOutcome } from "../outcome.ts";
import { messageIdPattern, type Message } from "../outgoing.ts";
import { systemMail } from "../texts/system-mail.ts";
import type { Right } from "../texts/catalogue.ts";
import { createLinks } from "../unsubscribe-link.ts";
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

/** The answers of an inbox, each at most once a day to one address. */
export interface InboxAnswers {
  /** Asks whoever has the address to confirm by a link; true when they were asked today. */
  confirm(ask: To & { readonly token: string; readonly list: string | undefined }): Promise<boolean>;
  /** Tells that a request has come in; true when they were told today. */
  acknowledge(ask: To & Acknowledged): Promise<boolean>;
}

export function inboxAnswers<T extends string, P extends string, R extends string>({
  answers,
  mailer,
  clock,
}: Pick<Settings<T, P, R>, "answers" | "mailer" | "clock">): InboxAnswers {
  const { topic, controller, contact, language: usual = "en" } = answers;
  const unsubscribeLink = createLinks({ url: answers.unsubscribeUrl });
  const invitationLink = createLinks({ url: answers.invitationUrl });
  const sender = { controller, contact };
  const languageOf = (language: string | undefined) =>
    language === "en" || language === "sv" ? language : usual;

  async function send(kind: string, { to, inReplyTo }: To, message: Message): Promise<boolean> {
    const day = clock.now().toISOString().slice(0, 10);
    const outcome = await mailer.send({
      topic,
      to,
      messageKey: `${kind}:${day}`,
      message: { ...message, headers: { [loopHeader]: "inbox" } },
      ...(inReplyTo !== undefined && messageIdPattern.test(inReplyTo) && { inReplyTo }),
    });
    return wasTold(outcome);
  }

  return {
    confirm: ({ token, list, ...to }) => {
      const link = unsubscribeLink(token).url;
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
        link: invitationLink(invitation.token).url,
        expiresAt: invitation.expiresAt,
      };
      const mail =
        right === "inquiry"
          ? systemMail("inquiry-received", languageOf(to.language), data)
          : systemMail("request-received", languageOf(to.language), { ...data, right, ...show });
      return send("request-received", to, mail);
    },
  };
}

/** @throws HeedError `answer-not-sent` where the same can be tried again: nothing of the mail is lost then */
function wasTold(outcome: MailOutcome): boolean {
  switch (outcome.status) {
    case "accepted":
    case "unknown":
      return true;
    case "blocked":
      if (outcome.because === "restore-needed") break;
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
