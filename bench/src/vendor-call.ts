/** One HTTP call to the vendor, by Node's own client: what the bare loop and the adapter have in common. */
export async function vendorCall(url: string, id: string): Promise<boolean> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify({ id }) });
  const { ok } = (await response.json()) as { ok: boolean };
  return ok;
}
