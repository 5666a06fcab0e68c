// A mail server on loopback that takes every message at once. Prints its port, and lives until it is ended.
import { SMTPServer } from "smtp-server";

const server = new SMTPServer({
  disabledCommands: ["AUTH", "STARTTLS"],
  disableReverseLookup: true,
  logger: false,
  onData(stream, _session, done) {
    stream.resume();
    stream.once("end", () => done(null));
  },
});
server.listen(0, "127.0.0.1", () => {
  const address = server.server.address();
  if (address !== null && typeof address !== "string") console.log(JSON.stringify(address.port));
});
