/**
 * Errors of requests. Views show their `message`, so it is never empty.
 *
 * @typedef {{loc: (string | number)[], msg: string}} FieldError an entry of `errors` in the service's response 422
 */

/** `fetch` fails the same way for a refused connection and for one that ends before the response starts. */
export const UNREACHABLE = "The service can't be reached.";

export const CONNECTION_LOST = "The connection was lost.";

/** A response other than the expected one, from the service or from a proxy in front of it. */
export class ResponseError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {FieldError[]} [errors]
   */
  constructor(status, message, errors = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }

  /** True if the same request would be rejected again. */
  get isPermanent() {
    return this.status >= 400 && this.status < 500;
  }
}

/**
 * Returns the error for a response with status 400 or above: the detail of its problem document (RFC 9457), or the
 * status if there is none, as in an empty body, a proxy's HTML page or other JSON.
 * @param {{status: number, statusText: string}} response
 * @param {string} body
 * @returns {ResponseError}
 */
export function responseError(response, body) {
  const { title, detail, errors } = jsonObject(body);
  if (!isText(title)) return new ResponseError(response.status, `The request failed: ${statusOf(response)}.`);
  const fields = Array.isArray(errors) ? errors.filter((one) => Array.isArray(one?.loc) && isText(one.msg)) : [];
  return new ResponseError(response.status, isText(detail) ? detail : title, fields);
}

/**
 * Returns the error for a successful response with unexpected content, such as a proxy's login page.
 * @param {{status: number, statusText: string}} response
 * @param {string} expected
 * @returns {ResponseError}
 */
export function contentError(response, expected) {
  return new ResponseError(response.status, `The response (${statusOf(response)}) is not ${expected}.`);
}

/**
 * The status and its reason phrase, such as `502 Bad Gateway`. HTTP/2 has no reason phrase.
 * @param {{status: number, statusText: string}} response
 */
const statusOf = ({ status, statusText }) => (statusText ? `${status} ${statusText}` : `status ${status}`);

/** @param {unknown} value */
const isText = (value) => typeof value === "string" && value !== "";

/** @param {string} text @returns {Record<string, any>} empty if the text is not a JSON object */
function jsonObject(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}
