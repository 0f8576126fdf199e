/**
 * The path below which the service is mounted: "" at the root of a host, "/offload" below that path.
 */

/** Taken from the address of this file, which is `PREFIX/page/VERSION/service/prefix.js`. */
export const PREFIX = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");
