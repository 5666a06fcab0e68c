/** As much of jsdom as the tests of the pages use. */
declare module "jsdom" {
  export class JSDOM {
    constructor(html: string, options?: { readonly url?: string; readonly runScripts?: "outside-only" });
    readonly window: { eval(script: string): unknown; close(): void };
  }
}
