/** RFC 6068 2: an address may have characters that mean something else in a URI. */
export function mailtoUri(address: string): string {
  return `mailto:${address.replaceAll(/[^\w.@+-]/g, encodeURIComponent)}`;
}
