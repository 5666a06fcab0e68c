/** What somebody can ask for: the rights of GDPR Art. 15 to 21, and what a company promised beside them. */
export type Right =
  | "access"
  | "rectification"
  | "erasure"
  | "restriction"
  | "portability"
  | "objection"
  | "withdrawal"
  | "forget-tokens";

/** Texts by key. `{name}` stands for a value of that name. */
type Texts<Key extends string> = Readonly<Record<Key, string>>;

/**
 * What heed's own mails say in one language. For another language, or other words, pass a whole one: it has the
 * keys of {@link english}, and in each text the placeholders of the English one.
 */
export interface Catalogue {
  /** BCP 47: of the mail, and of its dates unless `locale` says otherwise. */
  readonly language: string;
  readonly direction: "ltr" | "rtl";
  /** BCP 47: how dates are written. Default `language`. */
  readonly locale?: string;
  /** What was asked for, as it stands after a colon. */
  readonly rights: Texts<Right>;
  readonly mails: {
    readonly "confirm-subscription": Texts<
      "subject" | "heading" | "asked" | "button" | "expires" | "otherwise"
    >;
    readonly "policy-changed": Texts<
      "subject" | "heading" | "changes" | "whole" | "choice" | "silence" | "button" | "expires"
    >;
    readonly "confirm-unsubscribe": Texts<
      "subject" | "heading" | "asked" | "askedAll" | "unsure" | "button" | "otherwise"
    >;
    readonly "request-received": Texts<
      "subject" | "heading" | "received" | "due" | "prove" | "button" | "expires" | "otherwise"
    >;
    readonly "request-done": Texts<
      "subject" | "heading" | "done" | "keptIntroduction" | "kept" | "keptByLaw" | "nothingKept"
    >;
    readonly farewell: Texts<
      | "subject"
      | "heading"
      | "erased"
      | "keptIntroduction"
      | "kept"
      | "keptByLaw"
      | "nothingKept"
      | "mark"
      | "last"
    >;
    readonly "inquiry-received": Texts<"subject" | "heading" | "received" | "due">;
  };
  /** Under every mail. */
  readonly footer: Texts<"sender" | "contact">;
}
