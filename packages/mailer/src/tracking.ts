import { InvalidInputError } from "@heed/core/contract";

/** Names of parameters by which senders of marketing mail tell who clicked. */
const parameter =
  /[?&;](utm_[a-z]+|mc_[ce]id|_hsenc|_hsmi|hsctatracking|mkt_tok|vero_id|vero_conv|_ke|_kx|ck_subscriber_id|oly_(?:anon|enc)_id|fbclid|gclid|dclid|msclkid|yclid|wickedid|s_cid|trk_(?:contact|msg|module|sid))=/i;

const remote = String.raw`["'\s]*(?:https?:)?//`;
/** What a mail program loads from elsewhere when the message is opened, and so tells that it was. */
const remoteContent = [
  new RegExp(String.raw`<[^<>]*\s(?:src|srcset|background|poster|data)\s*=${remote}`, "i"),
  new RegExp(String.raw`<[^<>]*\ssrcset\s*=[^<>]*(?:https?:)?//`, "i"),
  new RegExp(String.raw`<link\b[^<>]*\shref\s*=${remote}`, "i"),
  new RegExp(String.raw`url\(${remote}`, "i"),
  new RegExp(String.raw`@import${remote}`, "i"),
];

/**
 * A message that its recipient cannot say no to watches nobody: no remote content, which tells who opened it,
 * and no link that tells who clicked. What a person asked for (a password reset) is sent for that alone.
 *
 * @throws InvalidInputError `tracking`, which quotes no link
 */
export function refuseTracking({ text, html = "" }: { text: string; html?: string | undefined }): void {
  const readable = html.replaceAll(/&(?:amp|#38|#x26);/gi, "&");
  const name = (parameter.exec(text) ?? parameter.exec(readable))?.[1]?.toLowerCase();
  if (name !== undefined) throw refuseAs(`a link has the tracking parameter ${name}`);
  if (remoteContent.some((pattern) => pattern.test(readable))) {
    throw refuseAs("its html loads something from elsewhere, such as an image");
  }
}

function refuseAs(problem: string): InvalidInputError {
  return new InvalidInputError(
    `Only marketing, which its reader can end, may track them; this message may not: ${problem}.`,
    {
      code: "tracking",
      issues: [{ path: "message", message: problem }],
    },
  );
}
