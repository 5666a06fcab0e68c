/** Wakes loops: whatever may have changed what there is to do rings it. */
export class Bell {
  #next = Promise.withResolvers<void>();
  #rings = 0;

  ring(): void {
    this.#rings += 1;
    const rung = this.#next;
    this.#next = Promise.withResolvers<void>();
    rung.resolve();
  }

  /** Resolves at the next ring. Take it before looking for work: a ring during the look is then not missed. */
  get next(): Promise<void> {
    return this.#next.promise;
  }

  /** How often it has rung: the same number before and after a look means that nothing came in between. */
  get rings(): number {
    return this.#rings;
  }
}
