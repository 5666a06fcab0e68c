const unresolved = "The name of the host was not found: look for a slip in it, and at DNS.";
const unanswered = "The host did not answer: look at its name and port, and for a firewall between.";
const ended = "The server, or a pooler before it, ended the connection: look at its log.";
const noEntry = "The server does not let this role in: look at the role, the password, and its pg_hba.conf.";
const noTrust =
  "The server's certificate could not be verified: name the authority that issued it with sslrootcert.";

/**
 * What to look at, by SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), by the code of the
 * operating system, or by one of `driverCode`. It repeats nothing of the connection string.
 */
const advices: Readonly<Record<string, string>> = {
  ECONNREFUSED: "Nobody listens at that host and port: is PostgreSQL running, and is the port its own?",
  ENOENT:
    "There is no such socket: is PostgreSQL running on this machine, and is its socket in that directory?",
  ENOTFOUND: unresolved,
  EAI_AGAIN: unresolved,
  ETIMEDOUT: unanswered,
  EHOSTUNREACH: unanswered,
  ENETUNREACH: unanswered,
  "no-answer": unanswered,
  ECONNRESET: ended,
  EPIPE: ended,
  "57P01": ended,
  "57P03": "The server is starting, or shutting down.",
  "53100": "The server's disk is full: make room there, and it goes on by itself.",
  "53300":
    "The server, or this role, may open no more connections: raise that limit, or lower `connections`.",
  "28000": noEntry,
  "28P01": noEntry,
  "no-password": "The server asks for a password that it was not given, or does not understand.",
  "no-tls": "The server was asked for an encrypted connection and makes none.",
  "3D000": "The server has no database of that name: make it with CREATE DATABASE, or name another.",
  "25006":
    "This server takes no writes: it is a standby, or default_transaction_read_only is on. Name the primary, or turn that off for this database and role.",
  "25P02":
    "An earlier statement of the same transaction had failed: where it is your own (`within`), roll it back, look at that failure, and begin anew.",
  "42501": "The role lacks a right: the README of @heed/postgres says under Migrations which it needs.",
  SELF_SIGNED_CERT_IN_CHAIN: noTrust,
  DEPTH_ZERO_SELF_SIGNED_CERT: noTrust,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: noTrust,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: noTrust,
};

/** A sentence that says what to do, with a space in front; empty where there is nothing to say. */
export function adviceOn(code: string | undefined): string {
  return code !== undefined && Object.hasOwn(advices, code) ? ` ${advices[code]}` : "";
}

/** What the driver says without a code, in words of its own that quote nothing of anybody's. */
export function driverCode(message: string): string | undefined {
  if (message.startsWith("SASL: ")) return "no-password";
  if (message === "The server does not support SSL connections") return "no-tls";
  return /\btimeout\b/.test(message) ? "no-answer" : undefined;
}
