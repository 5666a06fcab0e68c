import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { inject, onTestFinished } from "vitest";

/** A way to the test's server by which connections go through this process. */
export interface WayToServer {
  /** Of the server by this way. */
  readonly url: URL;
  /** Breaks off every connection that is open. */
  cut(): void;
  /** Nobody gets there any more. */
  close(): void;
}

/**
 * Opens a way to the server, until the test has finished.
 *
 * @param join passes on what one connection says, both ways
 */
export async function wayToServer(join: (client: Socket, server: Socket) => void): Promise<WayToServer> {
  const to = new URL(inject("postgres").url);
  const open = new Set<Socket>();
  const way = createServer((client) => {
    const server = connect(Number(to.port), to.hostname);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      open.add(socket);
      socket
        .on("error", () => {})
        .on("close", () => {
          open.delete(socket);
          other.destroy();
        });
    }
    join(client, server);
  });
  await new Promise<void>((resolve) => void way.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  onTestFinished(() => {
    cut();
    way.close();
  });
  const { port } = way.address() as AddressInfo;
  const url = Object.assign(new URL(to), { hostname: "127.0.0.1", port: String(port) });
  return { url, cut, close: () => void way.close() };
}
