/**
 * A form made from a JSON Schema.
 *
 * It sends what can be seen in it and nothing else: what may be left out and is left empty, is left out.
 *
 * @typedef {import("./field.js").Field} Field
 * @typedef {import("./schema.js").Schema} Schema
 * @typedef {{loc: (string | number)[], msg: string}} Problem as the service's 422 tells it
 */

import { h } from "../parts/dom.js";
import { jsonField } from "./value_fields.js";
import { membersOf } from "./group_fields.js";
import { write } from "../service/json.js";
import { fits, shapeOf } from "./schema.js";

let forms = 0;

/**
 * @param {Schema} schema of an object; its numbers as `json.parse` reads them
 * @param {{changed?: () => void}} [options] `changed` is called at each change of what would be sent
 */
export function createForm(schema, { changed = () => {} } = {}) {
  forms += 1;
  const prefix = `form${forms}`;
  let ids = 0;
  const form = { root: schema, newId: () => `${prefix}-${(ids += 1)}` };
  const shape = shapeOf(schema, schema);
  const summary = h("div", { class: "form-errors", role: "alert", hidden: true });
  const fields = h("div", { class: "form-fields" });
  const element = h("div", { class: "form" }, summary, fields);
  const drawable = shape.kind === "object";

  const members = membersOf({ label: "", shape, required: true, form });
  const json = jsonField({
    label: "JSON",
    shape: { kind: "object", schema: {}, nullable: false },
    required: true,
    form,
  });
  let asJson = !drawable;
  show();
  element.addEventListener("input", changed);
  element.addEventListener("change", changed);

  function show() {
    fields.replaceChildren(...(asJson ? [json.element] : members.elements));
  }

  /** @returns {Field[]} */
  const top = () => (asJson ? [json] : [...members.fields.values()]);

  /** The value that would be sent, with `Exact` numbers; meaningless where `check` complains. */
  const read = () => (asJson ? json.read() : members.read());

  return {
    element,
    /** True where there is nothing to fill in. */
    empty: drawable && members.fields.size === 0,
    read,
    /** The same as JSON text; what is no JSON, as it was typed. */
    text: () => (asJson && json.complaint() ? /** @type {any} */ (json.control).value : write(read())),
    /**
     * Shows a value; what the fields can't show, is shown as JSON.
     * @param {any} value
     */
    set(value) {
      if (asJson || !fits(value, schema, schema)) {
        asJson = true;
        json.set(value);
      } else {
        members.set(value);
      }
      show();
      changed();
    },
    /** True while the value is written as JSON. */
    isJson: () => asJson,
    /** True where it can be turned from one way of writing it to the other. */
    canTurn: () => !asJson || (drawable && json.complaint() === "" && fits(json.read(), schema, schema)),
    /** Turns it; to be called where `canTurn`. */
    turn() {
      const value = read();
      asJson = !asJson;
      if (asJson) json.set(value);
      else members.set(value);
      show();
      changed();
    },
    /** Shows what is wrong and goes to the first of it; true where nothing is. */
    check() {
      const complaints = all(top()).map((field) => ({ field, msg: field.complaint() }));
      return present(complaints.filter(({ msg }) => msg !== ""));
    },
    /**
     * Shows what the service has found wrong, each at the field that it belongs to.
     * @param {Problem[]} problems whose `loc` is without its first part, "body" or "query"
     */
    tell(problems) {
      const place = (/** @type {Problem["loc"]} */ loc) => (asJson && loc.length > 0 ? `${loc.join(".")}: ` : "");
      present(problems.map(({ loc, msg }) => ({ field: fieldAt(loc), msg: place(loc) + msg })));
    },
  };

  /** @param {(string | number)[]} loc @returns {Field | null} null for what belongs to no field */
  function fieldAt(loc) {
    if (asJson) return json;
    /** @type {Field | null} */
    let found = null;
    for (const part of loc) {
      // Some parts are no place: which of several types did not fit, for instance.
      found = (found === null ? members.fields.get(String(part)) : found.child(part)) ?? found;
    }
    return found;
  }

  /** @param {{field: Field | null, msg: string}[]} complaints */
  function present(complaints) {
    for (const field of all(top())) field.tell("");
    /** @type {Map<Field, string[]>} */
    const byField = new Map();
    for (const { field, msg } of complaints) {
      if (field) byField.set(field, [...new Set([...(byField.get(field) ?? []), msg])]);
    }
    for (const [field, msgs] of byField) field.tell(msgs.join(" "));
    const lines = complaints.map(({ field, msg }) => h("li", {}, field ? linkTo(field, msg) : msg));
    summary.replaceChildren(h("p", {}, "This can't be sent yet:"), h("ul", {}, ...lines));
    summary.hidden = complaints.length === 0;
    const first = complaints.find(({ field }) => field)?.field;
    first?.control.focus();
    return complaints.length === 0;
  }
}

/** @param {Field} field @param {string} msg */
function linkTo(field, msg) {
  const go = () => field.control.focus();
  return h("button", { type: "button", onclick: go }, `${field.label}: ${msg}`);
}

/** @param {Field[]} fields @returns {Field[]} each before those within it */
function all(fields) {
  return fields.flatMap((field) => [field, ...all(field.children())]);
}
