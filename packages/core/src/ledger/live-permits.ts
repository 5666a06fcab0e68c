/** The abort signals of permits taken by this process: a hint that spares a sender the way to the socket. */
export class LivePermits {
  readonly #live = new Map<string, AbortController>();

  open(id: string): AbortSignal {
    const controller = new AbortController();
    this.#live.set(id, controller);
    return controller.signal;
  }

  revoke(ids: readonly string[]): void {
    for (const id of ids) {
      this.#live.get(id)?.abort();
      this.#live.delete(id);
    }
  }

  close(id: string): void {
    this.#live.delete(id);
  }
}
