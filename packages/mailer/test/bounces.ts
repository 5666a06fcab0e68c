/** The message that came back, in all fixtures: its tag, and the address that it was to return to. */
export const tag = "abcdefghijklmnopqrstuvwx27";
export const messageId = `<${tag}@acme.example>`;
export const returnPath = `b+${tag}@bounces.acme.example`;
export const anna = "anna.canary@dest.example";

/** What became of one recipient, in the words of a delivery status notification. */
export interface Group {
  readonly recipient?: string;
  readonly type?: string;
  readonly original?: string;
  readonly action?: string;
  readonly status?: string;
  readonly diagnostic?: string;
}

const crlf = (text: string): Buffer => Buffer.from(text.replaceAll(/\r?\n/g, "\r\n"));

/** The header fields of our message, as they come back. */
export const ours = (id = messageId): string => `Return-Path: <${returnPath}>
Received: from app.acme.example (app.acme.example [192.0.2.1])
	by mail.acme.example (Postfix) with ESMTPS id 4Rk
From: Acme <news@acme.example>
To: ${anna}
Subject: News
Message-ID: ${id}
Date: Mon, 02 Nov 2026 10:00:00 +0000
`;

/** As Postfix 3.7 writes it, with only the header of what came back (`RET=HDRS`). */
export function postfix(
  options: {
    groups?: readonly Group[];
    envelopeId?: string;
    to?: string;
    id?: string;
    international?: boolean;
  } = {},
): Buffer {
  const { groups = [{}], envelopeId, to = returnPath, id, international = false } = options;
  const type = international ? "message/global-delivery-status" : "message/delivery-status";
  const each = groups.map(
    ({ recipient = anna, type = "rfc822", original, action = "failed", status = "5.1.1", diagnostic }) =>
      `Final-Recipient: ${type}; ${recipient}
${original === undefined ? "" : `Original-Recipient: ${original}\n`}Action: ${action}
Status: ${status}
Remote-MTA: dns; mx.dest.example
Diagnostic-Code: smtp; ${
        diagnostic ??
        `550 ${status} <${recipient}>: Recipient address rejected: User
    unknown`
      }
`,
  );
  return crlf(`Return-Path: <>
Received: by mail.acme.example (Postfix)
	id 4RkBounce; Mon,  2 Nov 2026 10:00:05 +0000 (UTC)
Date: Mon,  2 Nov 2026 10:00:05 +0000 (UTC)
From: MAILER-DAEMON@mail.acme.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: ${to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
	boundary="4Rk.1793613605/mail.acme.example"
Content-Transfer-Encoding: 8bit
Message-Id: <20261102100005.4RkBounce@mail.acme.example>

This is a MIME-encapsulated message.

--4Rk.1793613605/mail.acme.example
Content-Description: Notification
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

This is the mail system at host mail.acme.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

--4Rk.1793613605/mail.acme.example
Content-Description: Delivery report
Content-Type: ${type}
Content-Transfer-Encoding: 8bit

Reporting-MTA: dns; mail.acme.example
${envelopeId === undefined ? "" : `Original-Envelope-Id: ${envelopeId}\n`}X-Postfix-Queue-ID: 4Rk
X-Postfix-Sender: rfc822; ${returnPath}
Arrival-Date: Mon,  2 Nov 2026 10:00:00 +0000 (UTC)

${each.join("\n")}
--4Rk.1793613605/mail.acme.example
Content-Description: Undelivered Message Headers
Content-Type: ${international ? "message/global-headers" : "text/rfc822-headers"}
Content-Transfer-Encoding: 8bit

${ours(id)}
--4Rk.1793613605/mail.acme.example--
`);
}

/** As Exim 4.96 writes it: the status says no more than "failed", the server's words say why. */
export function exim(reply = `550 5.1.1 <${anna}>: Recipient address rejected: User unknown`): Buffer {
  return crlf(`Return-path: <>
Envelope-to: ${returnPath}
Received: from Debian-exim by mx.acme.example with local (Exim 4.96)
	id 1r0abc-0001-2d; Mon, 02 Nov 2026 10:00:05 +0000
X-Failed-Recipients: ${anna}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.acme.example>
To: ${returnPath}
References: ${messageId}
Content-Type: multipart/report; report-type=delivery-status; boundary=1793613605-eximdsn-804289383
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1r0abc-0001-2d@mx.acme.example>

--1793613605-eximdsn-804289383
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

  ${anna}
    host mx.dest.example [198.51.100.7]
    SMTP error from remote mail server after RCPT TO:<${anna}>:
    ${reply}

--1793613605-eximdsn-804289383
Content-type: message/delivery-status

Reporting-MTA: dns; mx.acme.example

Action: failed
Final-Recipient: rfc822;${anna}
Status: 5.0.0
Remote-MTA: dns; mx.dest.example
Diagnostic-Code: smtp; ${reply}

--1793613605-eximdsn-804289383
Content-type: message/rfc822

${ours()}
Hi.
--1793613605-eximdsn-804289383--
`);
}

/** As Exim wrote it before it knew delivery status notifications: for people, with `X-Failed-Recipients`. */
export function eximText(
  failed: Readonly<Record<string, string>> = { [anna]: "550 5.1.1 User unknown" },
  copy = ours(),
): Buffer {
  const each = Object.entries(failed).map(
    ([address, reply]) => `  ${address}
    SMTP error from remote mail server after RCPT TO:<${address}>:
    host mx.dest.example [198.51.100.7]: 
    ${reply}
`,
  );
  return crlf(`Return-path: <>
X-Failed-Recipients: ${Object.keys(failed).join(", ")}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.acme.example>
To: ${returnPath}
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1r0abc-0001-2d@mx.acme.example>

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

${each.join("\n")}
------ This is a copy of the message, including all the headers. ------

${copy}
550 5.1.1 is what our own text says.
`);
}

/** As Gmail writes it: parts within parts, a picture, the whole message back. */
export function gmail(status = "5.1.1"): Buffer {
  return crlf(`Return-Path: <>
Received: by 2002:a05:0:0:0 with SMTP id a1; Mon, 02 Nov 2026 02:00:05 -0800 (PST)
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: ${returnPath}
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: ${messageId}
In-Reply-To: ${messageId}
X-Failed-Recipients: ${anna}
Message-ID: <654321.050a.1.2@mx.google.com>
Content-Type: multipart/report; boundary="00000000000001"; report-type=delivery-status

--00000000000001
Content-Type: multipart/related; boundary="00000000000002"

--00000000000002
Content-Type: multipart/alternative; boundary="00000000000003"

--00000000000003
Content-Type: text/plain; charset="UTF-8"

** Address not found **

--00000000000003
Content-Type: text/html; charset="UTF-8"

<p>Address not found</p>

--00000000000003--
--00000000000002
Content-Type: image/png; name="icon.png"
Content-Disposition: attachment; filename="icon.png"
Content-Transfer-Encoding: base64
Content-ID: <icon.png>

iVBORw0KGgo=
--00000000000002--
--00000000000001
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Received-From-MTA: dns; news@acme.example
Arrival-Date: Mon, 02 Nov 2026 02:00:04 -0800 (PST)
X-Original-Message-ID: ${messageId}

Final-Recipient: rfc822; ${anna}
Action: failed
Status: ${status}
Remote-MTA: dns; mx.dest.example. (198.51.100.7, the server for the domain dest.example.)
Diagnostic-Code: smtp; 550-${status} The email account that you tried to reach does not exist. Please try
 550-${status} double-checking the recipient's email address.
Last-Attempt-Date: Mon, 02 Nov 2026 02:00:05 -0800 (PST)

--00000000000001
Content-Type: message/rfc822

${ours()}
Hi.
--00000000000001--
`);
}

/** As Exchange writes it: no message comes back but by its id in the mail's own header. */
export function exchange(status = "5.1.10"): Buffer {
  return crlf(`Return-Path: <>
From: <postmaster@dest.example>
To: <${returnPath}>
Date: Mon, 2 Nov 2026 10:00:05 +0000
Content-Type: multipart/report; report-type=delivery-status;
	boundary="eb123"
Content-Language: en-US
Message-ID: <b1c2d3e4-0000-4000-8000-000000000001@MX.dest.example>
In-Reply-To: ${messageId}
References: ${messageId}
Subject: Undeliverable: News
Auto-Submitted: auto-replied
X-MS-Exchange-Message-Is-Ndr:
MIME-Version: 1.0

--eb123
Content-Type: multipart/alternative; differences=Content-Type;
	boundary="eb124"

--eb124
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Your message couldn't be delivered.=20

--eb124
Content-Type: text/html; charset="us-ascii"

<p>Your message couldn't be delivered.</p>

--eb124--

--eb123
Content-Type: message/delivery-status

Reporting-MTA: dns;MX.dest.example
Received-From-MTA: dns;mail.acme.example
Arrival-Date: Mon, 2 Nov 2026 10:00:04 +0000

Final-Recipient: rfc822;${anna}
Action: failed
Status: ${status}
Diagnostic-Code: smtp;550 ${status} RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup
X-Display-Name: anna.canary@dest.example

--eb123--
`);
}

/** A complaint as mailbox providers send it (RFC 5965), to an address of the controller's own choice. */
export function arf(
  options: { type?: string; redacted?: boolean; id?: string; parts?: string } = {},
): Buffer {
  const { type = "abuse", redacted = false, id = messageId, parts } = options;
  const hidden = (value: string): string => (redacted ? "[REDACTED]" : value);
  return crlf(`Return-Path: <feedback@provider.example>
From: <feedback@provider.example>
To: <abuse@acme.example>
Date: Mon, 2 Nov 2026 12:00:00 +0000
Subject: FW: News
MIME-Version: 1.0
Message-ID: <fbl-1@provider.example>
Content-Type: multipart/report; report-type=feedback-report;
	boundary="part1_13d"

--part1_13d
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an email abuse report.

--part1_13d
Content-Type: message/feedback-report

Feedback-Type: ${type}
User-Agent: Provider/1.0
Version: 1
Original-Mail-From: <${redacted ? "[REDACTED]" : returnPath}>
Original-Rcpt-To: <${hidden(anna)}>
Arrival-Date: Mon, 2 Nov 2026 10:00:00 +0000
Source-IP: 192.0.2.1

--part1_13d
Content-Type: message/rfc822
Content-Disposition: inline

${
  parts ??
  ours(id)
    .replaceAll(anna, hidden(anna))
    .replace(/^Return-Path.*\n/, "")
}
Hi.
--part1_13d--
`);
}
