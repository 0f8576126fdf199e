/**
 * A file on its way to the service, with what has arrived so far. `fetch` can't tell that, so this asks XMLHttpRequest.
 */

import { ApiProblem, authorization } from "../service/api.js";

/**
 * @param {File} file
 * @param {{algorithms: string[], expected: Record<string, string> | null}} wanted
 * @param {(sent: number) => void} progressed is called with the bytes that have been sent
 * @param {AbortSignal} signal
 * @returns {Promise<any>} the job that digests it
 * @throws {ApiProblem} where the service refuses it
 * @throws {Error} where the connection is lost, or `signal` ended it ("AbortError")
 */
export function uploadAndDigest(file, { algorithms, expected }, progressed, signal) {
  const form = new FormData();
  // What is said of the file goes before it.
  for (const algorithm of algorithms) form.append("algorithms", algorithm);
  if (expected) form.append("expected", JSON.stringify(expected));
  form.append("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/jobs/file-digest/upload");
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => progressed(Math.min(loaded, file.size)); // the form is a little more
    request.onload = () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText));
      else reject(ApiProblem.of(request.status, request.responseText));
    };
    request.onerror = () => reject(new Error("The connection was lost."));
    request.onabort = () => reject(new DOMException("Stopped.", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
