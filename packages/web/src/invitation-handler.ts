import { isHeedError, onlyKeys } from "@heed/core/contract";
import { linkPageKeys, linkPages, titleIn, type LinkPageOptions, type Shown } from "./link-pages.ts";
import { needs } from "./needs.ts";
import { html, type Html } from "./page.ts";
import type { InvitationTexts, Texts } from "./texts/texts.ts";

/** What a link puts to a person, and where that stands. */
export interface PageInvitation {
  readonly kind: "opt-in" | "renewal" | "identity";
  readonly state: "open" | "answered" | "expired" | "overtaken";
  /** The name of the topic or purpose that they choose about, and what people call it. */
  readonly name?: string;
  readonly title?: string;
  /** Which right a request exercises. */
  readonly right?: string;
  readonly noticeVersion?: string;
  /** What counts, once it is answered. */
  readonly answer?: "yes" | "no";
}

/** All that the handler needs of heed: `heed.invitations`. */
export interface PageInvitations {
  /** What a token asks; nothing when it is not authentic. Changes nothing. */
  open(token: string): Promise<PageInvitation | undefined>;
  /** Resolves when the answer is recorded for good, also when it was recorded before, with where it stands then. */
  answer(ask: {
    readonly token: string;
    readonly answer: "yes" | "no";
    readonly language: string;
  }): Promise<PageInvitation>;
}

/** What {@link invitationHandler} needs. */
export interface InvitationHandlerOptions extends LinkPageOptions {
  readonly invitations: PageInvitations;
}

/**
 * Answers the links by which a choice is put to a person: double opt-in, a notice that has changed, whose request it
 * was. `GET` and `HEAD` show a page with two equal buttons and change nothing, whoever follows the link. A `POST` with
 * `answer=yes` or `answer=no` counts on its token alone. It is answered with 200 only after the answer was recorded;
 * repeated, it is answered the same. 410 when it counts no more, with a page that says what to do; 404 for a token that
 * is not authentic, and after an erasure; 400, 405, 408, 413 and 503 as of `unsubscribeHandler`. Never throws.
 *
 * @throws InvalidInputError `unknown-option`, and TypeError without `invitations` or `controller`, when it is made
 */
export function invitationHandler(
  options: InvitationHandlerOptions,
): (request: Request) => Promise<Response> {
  onlyKeys(options, "invitationHandler", { invitations: true, ...linkPageKeys });
  const { invitations, controller, titles } = options;
  needs("invitationHandler", "invitations", invitations, ["open", "answer"]);

  function question(
    { noticeVersion }: PageInvitation,
    own: InvitationTexts,
    what: string,
    texts: Texts,
  ): Html {
    const notice = html`<p>${texts.notice} <strong>${noticeVersion ?? ""}</strong></p>`;
    return html`<p>${own.question(what, controller)}</p>
      ${noticeVersion === undefined ? "" : notice}
      <form method="post">
        <button name="answer" value="yes">${own.yesButton}</button>
        <button name="answer" value="no">${own.noButton}</button>
      </form>
      <p>${own.note(controller)}</p>`;
  }

  /** Where it stands, and whoever said yes can say no as easily. */
  function answered(answer: Wish | undefined, own: InvitationTexts, what: string): Html {
    if (answer === "no") return html`<p role="status">${own.saidNo(what, controller)}</p>`;
    return html`<p role="status">${own.saidYes(what, controller)}</p>
      <form method="post"><button name="answer" value="no">${own.noButton}</button></form>`;
  }

  function pageOf(invitation: PageInvitation, wish: Wish | undefined, texts: Texts): Shown {
    const { kind, state, answer } = invitation;
    const own = texts.invitation[kind];
    const what = titleIn(texts, titles, invitation.name) ?? whatOf(invitation, texts);
    if (state === "open" && wish === undefined)
      return { status: 200, heading: own.heading, content: question(invitation, own, what, texts) };
    if (state === "answered" && (wish === undefined || wish === answer))
      return { status: 200, heading: own.doneHeading, content: answered(answer, own, what) };
    // Nobody is told that something was recorded which was not.
    if (state === "expired") return over(own.expiredHeading, own.expired(controller));
    const isTooLate = state === "answered" && answer === "no";
    return over(own.overtakenHeading, isTooLate ? own.noStands(controller) : own.overtaken(controller));
  }

  return linkPages<Wish>(options, {
    wishOf,
    noWish: "Bad request: answer=yes or answer=no is missing",
    warning: "an invitation could not be answered",
    answer: async ({ token, wish, texts }) => {
      const invitation = await invitations.open(token);
      if (!invitation) return undefined;
      if (wish === undefined) return pageOf(invitation, wish, texts);
      try {
        return pageOf(await invitations.answer({ token, answer: wish, language: texts.lang }), wish, texts);
      } catch (error) {
        // The person was erased since it was opened.
        if (isHeedError(error) && error.code === "tampered-token") return undefined;
        throw error;
      }
    },
  });
}

type Wish = "yes" | "no";

const over = (heading: string, text: string): Shown => ({
  status: 410,
  heading,
  content: html`<p role="status">${text}</p>`,
});

function whatOf({ title, right }: PageInvitation, { rights, otherRight }: Texts): string {
  if (title !== undefined) return title;
  return right !== undefined && Object.hasOwn(rights, right) ? (rights[right] ?? otherRight) : otherRight;
}

function wishOf(fields: readonly (readonly [name: string, value: string])[]): Wish | undefined {
  const [answer, ...more] = fields.filter(([name]) => name === "answer").map(([, value]) => value);
  return more.length === 0 && (answer === "yes" || answer === "no") ? answer : undefined;
}
