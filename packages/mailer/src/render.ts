import { InvalidInputError } from "@heed/core/contract";
import { z } from "zod";
import { languageTag } from "./language-tag.ts";
import type { Message, SendAsk } from "./outgoing.ts";
import { parse } from "./parse.ts";

/**
 * Makes a message of a template: whatever renders, behind one function. What comes back is held to the rules of
 * any {@link Message}; its `language` is the one that was asked for unless it says another. Escaping data is its
 * own business.
 *
 * `Templates` maps each name to its data. In a function that is written as one, `name` tells which `data` it is.
 */
export interface Render<Templates extends object, Language extends string = string> {
  (...asked: RenderArguments<Templates, Language>): Message | Promise<Message>;
}

/** What a {@link Render} is asked: a name, a language, and the data of that name. */
export type RenderArguments<Templates extends object, Language extends string = string> = {
  [Name in keyof Templates & string]: [name: Name, language: Language, data: Templates[Name]];
}[keyof Templates & string];

/** A message to be made. */
export type TemplateAsk<Templates extends object, Language extends string = string> = {
  [Name in keyof Templates & string]: {
    readonly name: Name;
    /** BCP 47. */
    readonly language: Language;
    readonly data: Templates[Name];
  };
}[keyof Templates & string];

/** A mailer that renders nothing. */
export type NoTemplates = Record<never, never>;

/** One message to one person, made of a template. */
export type SendTemplateAsk<
  Topic extends string,
  Templates extends object,
  Language extends string = string,
> = Omit<SendAsk<Topic>, "message" | "template"> & {
  readonly template: TemplateAsk<Templates, Language>;
  readonly message?: never;
};

const templateSchema = z.strictObject({
  name: z.string().min(1),
  language: languageTag,
  // The renderer's own business.
  data: z.unknown(),
});

/** True for an ask that has its message; it is not parsed yet. */
export function isWritten<Topic extends string>(
  ask: SendAsk<Topic> | { readonly template: unknown },
): ask is SendAsk<Topic> {
  return ask?.template === undefined;
}

/**
 * Puts the message in the place of the template. It is not parsed yet, and no permit was taken.
 *
 * @throws InvalidInputError when there is no renderer, or a message as well; whatever the renderer throws
 */
export function createRenderer<Topic extends string, Templates extends object, Language extends string>(
  render: Render<Templates, Language> | undefined,
): (ask: SendTemplateAsk<Topic, Templates, Language>) => Promise<SendAsk<Topic>> {
  return async ({ template, message, ...rest }) => {
    if (message !== undefined || !render) {
      throw new InvalidInputError(
        "A mailer sends a message, or a template with the `render` of its options.",
      );
    }
    const { name, language, data } = parse(templateSchema, template, "template");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as the compiler let the caller ask
    const asked = [name, language, data] as RenderArguments<Templates, Language>;
    const rendered = await render(...asked);
    return { ...rest, message: saysLanguage(rendered) ? rendered : { ...rendered, language } };
  };
}

/** Whatever came back: it is not parsed yet. */
function saysLanguage(message: Message | undefined): boolean {
  const names = Object.keys(message?.headers ?? {}).map((name) => name.toLowerCase());
  return message?.language !== undefined || names.includes("content-language");
}
