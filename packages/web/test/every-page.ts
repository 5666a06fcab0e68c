import {
  invitationHandler,
  unsubscribeHandler,
  type PageInvitation,
  type UnsubscribeLink,
} from "../src/index.ts";

const lists = [
  { topic: "product-news", title: "Product news" },
  { topic: "offers", title: "Offers & more" },
];
const stillComes = [{ topic: "receipts", title: "Receipts" }];
const about = { controller: "Acme & Söner", contact: "privacy@acme.example" };
const kinds = ["opt-in", "renewal", "identity"] as const;

type Ask = (lang: string) => Promise<Response>;

const request = (lang: string, fields?: Record<string, string>): Request =>
  new Request(
    `https://acme.example/x/token?lang=${lang}`,
    fields === undefined ? {} : { method: "POST", body: new URLSearchParams(fields) },
  );

function unsubscribing(link: UnsubscribeLink | undefined, isDown = false) {
  const unsubscribe = isDown ? () => Promise.reject(new Error("down")) : async () => {};
  return unsubscribeHandler({ ...about, links: { open: async () => link, unsubscribe } });
}

function inviting(before: PageInvitation, after: PageInvitation = before) {
  return invitationHandler({
    ...about,
    invitations: { open: async () => before, answer: async () => after },
  });
}

const news: UnsubscribeLink = { topic: "product-news", title: "Product news", lists, stillComes };

/** Every page that there is, by name. */
export const everyPage: readonly (readonly [name: string, ask: Ask])[] = [
  ["unsubscribe: question", (lang) => unsubscribing(news)(request(lang))],
  ["unsubscribe: question, of a plain link", (lang) => unsubscribing({ topic: "x" })(request(lang))],
  ["unsubscribe: question, everything", (lang) => unsubscribing({ ...news, topic: "all" })(request(lang))],
  ["unsubscribe: one list stopped", (lang) => unsubscribing(news)(request(lang, { action: "stop" }))],
  ["unsubscribe: all stopped", (lang) => unsubscribing(news)(request(lang, { action: "stop-all" }))],
  ["unsubscribe: unknown", (lang) => unsubscribing(undefined)(request(lang))],
  ["unsubscribe: unavailable", (lang) => unsubscribing(news, true)(request(lang, { action: "stop" }))],
  ...kinds.flatMap((kind): readonly (readonly [string, Ask])[] => {
    const open: PageInvitation = {
      kind,
      state: "open",
      ...(kind === "identity" ? { right: "erasure" } : { title: "Product news", noticeVersion: "2026-02" }),
    };
    const answered = (answer: "yes" | "no"): PageInvitation => ({ ...open, state: "answered", answer });
    return [
      [`${kind}: question`, (lang) => inviting(open)(request(lang))],
      [`${kind}: yes`, (lang) => inviting(open, answered("yes"))(request(lang, { answer: "yes" }))],
      [`${kind}: no`, (lang) => inviting(open, answered("no"))(request(lang, { answer: "no" }))],
      [`${kind}: yes after no`, (lang) => inviting(answered("no"))(request(lang, { answer: "yes" }))],
      [`${kind}: expired`, (lang) => inviting({ kind, state: "expired" })(request(lang))],
      [`${kind}: overtaken`, (lang) => inviting({ ...open, state: "overtaken" })(request(lang))],
    ];
  }),
];
