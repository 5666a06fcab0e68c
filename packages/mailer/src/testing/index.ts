export type { Fault, Stage } from "./fault.ts";
export { mailServer } from "./mail-server.ts";
export type { MailServer, ReceivedMessage } from "./mail-server.ts";
