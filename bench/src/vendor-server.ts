// A vendor on loopback that answers every call at once. Prints its URL, and lives until it is ended.
import { createServer } from "node:http";

const server = createServer((incoming, outgoing) => {
  incoming.resume();
  incoming.once("end", () => {
    outgoing.setHeader("content-type", "application/json");
    outgoing.end('{"ok":true}');
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address !== "string")
    console.log(JSON.stringify(`http://127.0.0.1:${address.port}`));
});
