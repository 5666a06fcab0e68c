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

  /** Revokes one, unless it was taken anew under its id since. */
  end(id: string, signal: AbortSignal): void {
    if (this.#live.get(id)?.signal === signal) this.revoke([id]);
  }

  close(id: string, signal: AbortSignal): void {
    if (this.#live.get(id)?.signal === signal) this.#live.delete(id);
  }
}
