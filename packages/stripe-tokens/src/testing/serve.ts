import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { buffer } from "node:stream/consumers";

/** An account that is reachable by HTTP. */
export interface Listening {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** Ends every connection, those that wait for an answer included. */
  close(): Promise<void>;
}

type Answer = (request: Request) => Promise<Response>;

/** Answers on a free port of the loopback interface. A network error closes the connection. */
export async function serve(answer: Answer): Promise<Listening> {
  const host = "127.0.0.1";
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server listens on no port.");
  const { port } = address;
  const url = `http://${host}:${port}`;
  server.on("request", (incoming, outgoing) => {
    pass(answer, url, incoming, outgoing).catch(() => outgoing.destroy());
  });
  return {
    url,
    host,
    port,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

async function pass(
  answer: Answer,
  url: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const method = incoming.method ?? "GET";
  const body = await buffer(incoming);
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
    for (const value of values) headers.append(name, value);
  }
  const request = new Request(new URL(incoming.url ?? "/", url), {
    method,
    headers,
    ...(body.length > 0 ? { body } : {}),
  });
  const response = await answer(request);
  if (response.type === "error") {
    outgoing.destroy();
    return;
  }
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}
