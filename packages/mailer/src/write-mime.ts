import * as base64 from "nodemailer/lib/base64";
import type MimeNode from "nodemailer/lib/mime-node";
import * as qp from "nodemailer/lib/qp";

/**
 * Writes a compiled message whose parts are all texts, with CRLF line ends: what nodemailer's own stream writes, which
 * takes several times as long to set up. Only the soft line breaks of quoted-printable may stand elsewhere.
 */
export function writeMime(message: MimeNode): Buffer {
  const written = writeNode(message);
  return Buffer.from(written.endsWith("\r\n") ? written : `${written}\r\n`);
}

function writeNode(node: MimeNode): string {
  // Building the headers decides on boundary and encoding.
  const head = `${node.buildHeaders()}\r\n\r\n`;
  if (!node.multipart) return head + writeContent(node);
  const parts = node.childNodes.map((child) => `--${node.boundary}\r\n${writeNode(child)}\r\n`);
  return `${head}${parts.join("")}--${node.boundary}--\r\n`;
}

function writeContent(node: MimeNode): string {
  const { content = "" } = node;
  if (typeof content !== "string") throw new TypeError("a part that is no text cannot be written at once");
  const encoding = node.getTransferEncoding();
  if (encoding === "quoted-printable") return qp.wrap(qp.encode(content));
  if (encoding === "base64") return base64.wrap(base64.encode(content));
  return content;
}
