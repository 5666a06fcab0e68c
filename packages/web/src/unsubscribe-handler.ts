import { onlyKeys } from "@heed/core/contract";
import { linkPageKeys, linkPages, listOf, titleIn, type LinkPageOptions } from "./link-pages.ts";
import { needs } from "./needs.ts";
import { html, plain, type Html } from "./page.ts";
import type { Texts } from "./texts/texts.ts";

/** A topic, and what people call it. */
export interface NamedTopic {
  readonly topic: string;
  readonly title: string;
}

/** What an unsubscribe link is about. */
export interface UnsubscribeLink {
  /** `"all"`: everything that can be stopped. */
  readonly topic: string;
  readonly title?: string;
  /** All that can be stopped. */
  readonly lists?: readonly NamedTopic[];
  /** What the person gets all the same. */
  readonly stillComes?: readonly NamedTopic[];
}

/** All that the handler needs of heed: `heed.links`. */
export interface UnsubscribeLinks {
  /** What a token is for; nothing when it is not authentic. Changes nothing. */
  open(token: string): Promise<UnsubscribeLink | undefined>;
  /** Resolves when the choice is recorded for good, also when it was recorded before. */
  unsubscribe(ask: { readonly token: string; readonly scope: "topic" | "all" }): Promise<unknown>;
}

/** What {@link unsubscribeHandler} needs. */
export interface UnsubscribeHandlerOptions extends LinkPageOptions {
  readonly links: UnsubscribeLinks;
}

/**
 * Answers unsubscribe links, the one-click `POST` of RFC 8058 and the click of a person alike.
 *
 * `GET` and `HEAD` show a page with two buttons and change nothing, whoever follows the link. A `POST` counts
 * on its token alone: no cookie, no login, no redirect, no other field. It is answered with 200 only after the
 * choice was recorded; repeated, it is answered the same. 400 without a wish, 404 for a token that is not
 * authentic, 405, 408, 413, and 503 with `Retry-After` when the choice could not be recorded. Never throws.
 *
 * @throws InvalidInputError `unknown-option`, and TypeError without `links` or `controller`, when it is made
 */
export function unsubscribeHandler(
  options: UnsubscribeHandlerOptions,
): (request: Request) => Promise<Response> {
  onlyKeys(options, "unsubscribeHandler", { links: true, ...linkPageKeys });
  const { links, controller, titles } = options;
  needs("unsubscribeHandler", "links", links, ["open", "unsubscribe"]);

  /** What the link is about, in the words of the page's language. */
  function said(link: UnsubscribeLink, texts: Texts): Said {
    const nameOf = ({ topic, title }: Pick<UnsubscribeLink, "topic" | "title">): string =>
      titleIn(texts, titles, topic) ?? title ?? topic;
    const { topic, lists = [], stillComes } = link;
    return {
      isAll: topic === "all",
      name: nameOf(link),
      lists: lists.map(nameOf),
      stillComes: stillComes?.map(nameOf),
    };
  }

  function question({ isAll, name, lists, stillComes }: Said, { unsubscribe: texts }: Texts): Html {
    const stop = html`<button name="action" value="stop">${texts.stopButton(name)}</button>`;
    const stopAll = (mark: Html) =>
      html`<button${mark} name="action" value="stop-all">${texts.stopAllButton}</button>`;
    return html`<p>${isAll ? texts.questionAll(controller) : texts.question(name, controller)}</p>
      <form method="post">
        ${isAll ? "" : stop} ${isAll ? stopAll(html``) : stopAll(html` class="other"`)}
      </form>
      ${named(texts.all(controller), lists)} ${whatComes(stillComes, texts)}`;
  }

  function done({ name, lists, stillComes, ...said }: Said, wish: Wish, { unsubscribe: texts }: Texts): Html {
    const isAll = wish === "stop-all" || said.isAll;
    const what = isAll ? texts.stoppedAll(controller) : texts.stopped(name, controller);
    return html`<p role="status">${what}</p>
      ${isAll ? named(texts.all(controller), lists) : ""} ${whatComes(stillComes, texts)}`;
  }

  function whatComes(names: Said["stillComes"], texts: Texts["unsubscribe"]): Html | "" {
    if (names === undefined) return html`<p>${texts.stillComes(controller)}</p>`;
    return named(texts.stillComesNamed(controller), names);
  }

  function named(before: string, names: readonly string[]): Html | "" {
    return names.length === 0
      ? ""
      : html`<p>${before}</p>
          ${listOf(names)}`;
  }

  return linkPages<Wish>(options, {
    wishOf,
    noWish: "Bad request: List-Unsubscribe=One-Click is missing",
    warning: "an unsubscribe link could not be answered",
    answer: async ({ token, wish, texts }) => {
      const link = await links.open(token);
      if (!link) return undefined;
      const about = said(link, texts);
      const { heading, doneHeading } = texts.unsubscribe;
      if (!wish) return { status: 200, heading, content: question(about, texts) };
      await links.unsubscribe({ token, scope: wish === "stop-all" ? "all" : "topic" });
      if (wish === "one-click") return plain(200, doneHeading);
      return { status: 200, heading: doneHeading, content: done(about, wish, texts) };
    },
  });
}

type Wish = "one-click" | "stop" | "stop-all";

/** What a page says of a link, by the names that people know. */
interface Said {
  readonly isAll: boolean;
  readonly name: string;
  readonly lists: readonly string[];
  /** Undefined where the link does not tell. */
  readonly stillComes: readonly string[] | undefined;
}

/** The one-click pair comes first and is the whole wish; a second, other value makes it none (RFC 8058 3.2). */
function wishOf(fields: readonly (readonly [name: string, value: string])[]): Wish | undefined {
  const valuesOf = (wanted: string): string[] =>
    fields.filter(([name]) => name === wanted).map(([, value]) => value);
  const pair = valuesOf("List-Unsubscribe");
  if (pair.length > 0) return pair.every((value) => value === "One-Click") ? "one-click" : undefined;
  const [action, ...more] = valuesOf("action");
  return more.length === 0 && (action === "stop" || action === "stop-all") ? action : undefined;
}
