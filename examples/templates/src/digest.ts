import type { Render } from "@heed/mailer";

/** The one template of this example, a newsletter that is made for each reader, and what it has to be told. */
export interface Templates {
  digest: {
    readonly name: string;
    readonly articles: readonly { readonly title: string; readonly link: string }[];
  };
}

export type Language = "en" | "sv";

/** What a mailer calls, whatever is behind it. */
export type RenderDigest = Render<Templates, Language>;

/** What it says in each language. */
export const words = {
  en: {
    subject: "News from Acme",
    greeting: (name: string) => `Hello ${name}!`,
    why: "You get this because you asked for it.",
    stop: "Unsubscribe from this list",
  },
  sv: {
    subject: "Nyheter från Acme",
    greeting: (name: string) => `Hej ${name}!`,
    why: "Du får det här för att du har bett om det.",
    stop: "Avsluta prenumerationen",
  },
};
