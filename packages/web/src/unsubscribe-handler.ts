import { onlyKeys } from "@heed/core/contract";
import { nameOf } from "./name-of.ts";
import { html, page, plain, type Html } from "./page.ts";
import { readForm, type Form } from "./read-form.ts";
import { english, type UnsubscribeTexts } from "./texts.ts";

/** All that the handler needs of heed: `heed.links`. */
export interface UnsubscribeLinks {
  /** What a token is for; nothing when it is not authentic. Changes nothing. */
  open(token: string): Promise<{ readonly topic: string } | undefined>;
  /** Resolves when the choice is recorded for good, also when it was recorded before. */
  unsubscribe(ask: { readonly token: string; readonly scope: "topic" | "all" }): Promise<unknown>;
}

/** What {@link unsubscribeHandler} needs. */
export interface UnsubscribeHandlerOptions {
  readonly links: UnsubscribeLinks;
  /** The company's name, as people know it. */
  readonly controller: string;
  /** Where somebody whose link does not work can write to. */
  readonly contact?: string;
  /** What people call each topic. Default: the topic's own name. */
  readonly titles?: Readonly<Record<string, string>>;
  /** Default: {@link english}. */
  readonly texts?: UnsubscribeTexts;
  /** Finds the token in the address. Default: the last part of the path. */
  readonly token?: (url: URL) => string | undefined;
  /** How long a body may take to arrive. Default 10,000. */
  readonly bodyTimeoutMs?: number;
  /** Is told of each choice that could not be recorded: name and code of an error of heed's own, `Error` for any other. Must not throw. */
  readonly logger?: { warn(fields: Readonly<Record<string, string>>, message: string): void };
}

const optionKeys = {
  links: true,
  controller: true,
  contact: true,
  titles: true,
  texts: true,
  token: true,
  bodyTimeoutMs: true,
  logger: true,
};

/**
 * Answers unsubscribe links, the one-click `POST` of RFC 8058 and the click of a person alike.
 *
 * `GET` and `HEAD` show a page with two buttons and change nothing, whoever follows the link. A `POST` counts
 * on its token alone: no cookie, no login, no redirect, no other field. It is answered with 200 only after the
 * choice was recorded; repeated, it is answered the same. 400 without a wish, 404 for a token that is not
 * authentic, 405, 408, 413, and 503 with `Retry-After` when the choice could not be recorded. Never throws.
 *
 * @throws InvalidInputError `unknown-option`, when it is made
 */
export function unsubscribeHandler(
  options: UnsubscribeHandlerOptions,
): (request: Request) => Promise<Response> {
  onlyKeys(options, "unsubscribeHandler", optionKeys);
  const { links, controller, contact, titles = {}, texts = english, logger } = options;
  const { token: findToken = lastSegment, bodyTimeoutMs = 10_000 } = options;

  async function answer(request: Request): Promise<Response> {
    const isPost = request.method === "POST";
    if (!isPost && request.method !== "GET" && request.method !== "HEAD") {
      return plain(405, "Method not allowed", { Allow: "GET, HEAD, POST" });
    }
    const form = isPost ? await readForm(request, bodyTimeoutMs) : undefined;
    if (form && "problem" in form) return plain(form.problem, problems[form.problem]);
    const wish = form && wishOf(form);
    if (form && !wish) return plain(400, problems[400]);

    const token = findToken(new URL(request.url));
    const link = token !== undefined && tokenShape.test(token) ? await links.open(token) : undefined;
    if (token === undefined || !link) return page(404, texts, texts.unknownHeading, unknown());
    const title = titles[link.topic] ?? link.topic;
    if (!wish) return page(200, texts, texts.heading, question(title));

    await links.unsubscribe({ token, scope: wish === "stop-all" ? "all" : "topic" });
    return wish === "one-click"
      ? plain(200, texts.doneHeading)
      : page(200, texts, texts.doneHeading, done(title, wish));
  }

  function question(title: string): Html {
    return html`<p>${texts.question(title, controller)}</p>
      <form method="post">
        <button name="action" value="stop">${texts.stopButton(title)}</button>
        <button name="action" value="stop-all">${texts.stopAllButton}</button>
      </form>`;
  }

  function done(title: string, wish: Wish): Html {
    const what = wish === "stop-all" ? texts.stoppedAll(controller) : texts.stopped(title, controller);
    return html`<p role="status">${what}</p>
      <p>${texts.stillComes(controller)}</p>`;
  }

  function unknown(): Html {
    const address = contact ? html`<p>${texts.writeTo} <a href="mailto:${contact}">${contact}</a></p>` : "";
    return html`<p>${texts.unknown}</p>
      ${address}`;
  }

  return async (request) => {
    try {
      const response = await answer(request);
      return request.method === "HEAD" ? new Response(null, response) : response;
    } catch (error) {
      logger?.warn(nameOf(error), "an unsubscribe link could not be answered");
      return page(503, texts, texts.unavailableHeading, html`<p>${texts.unavailable}</p>`, {
        "Retry-After": "60",
      });
    }
  };
}

type Wish = "one-click" | "stop" | "stop-all";

const problems = {
  400: "Bad request: List-Unsubscribe=One-Click is missing",
  408: "Request timeout",
  413: "Content too large",
} as const;

/** Anything else is no token, and nobody needs to be asked. */
const tokenShape = /^[A-Za-z0-9._-]{1,128}$/;

function lastSegment({ pathname }: URL): string | undefined {
  return pathname.split("/").findLast(Boolean);
}

/** The one-click pair comes first and is the whole wish; a second, other value makes it none (RFC 8058 3.2). */
function wishOf(form: Extract<Form, { fields: unknown }>): Wish | undefined {
  const valuesOf = (wanted: string): string[] =>
    form.fields.filter(([name]) => name === wanted).map(([, value]) => value);
  const pair = valuesOf("List-Unsubscribe");
  if (pair.length > 0) return pair.every((value) => value === "One-Click") ? "one-click" : undefined;
  const [action, ...more] = valuesOf("action");
  return more.length === 0 && (action === "stop" || action === "stop-all") ? action : undefined;
}
