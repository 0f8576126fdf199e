/**
 * A form made from a JSON Schema. Optional fields that are empty are not sent.
 *
 * @typedef {import("./field.js").Field} Field
 * @typedef {import("./schema.js").Schema} Schema
 * @typedef {{loc: (string | number)[], msg: string}} FieldError an error as in the service's response 422
 */

import { h } from "../parts/dom.js";
import { write } from "../service/json.js";
import { membersOf } from "./group_fields.js";
import { fits, shapeOf } from "./schema.js";
import { jsonField } from "./value_fields.js";

let forms = 0;

/**
 * @param {Schema} schema of an object; its numbers as `json.parse` reads them
 * @param {{onChange?: () => void}} [options] `onChange` is called at each change of the value
 */
export function createForm(schema, { onChange = () => {} } = {}) {
  forms += 1;
  const prefix = `form${forms}`;
  let ids = 0;
  const form = { root: schema, newId: () => `${prefix}-${(ids += 1)}` };
  const shape = shapeOf(schema, schema);
  const summary = h("div", { class: "form-errors", role: "alert", hidden: true });
  const fields = h("div", { class: "form-fields" });
  const element = h("div", { class: "form" }, summary, fields);
  const hasFields = shape.kind === "object";

  const members = membersOf({ label: "", shape, required: true, form });
  const json = jsonField({
    label: "JSON",
    shape: { kind: "object", schema: {}, nullable: false },
    required: true,
    form,
  });
  let asJson = !hasFields;
  show();
  element.addEventListener("input", onChange);
  element.addEventListener("change", onChange);

  function show() {
    fields.replaceChildren(...(asJson ? [json.element] : members.elements));
  }

  /** @returns {Field[]} */
  const top = () => (asJson ? [json] : [...members.fields.values()]);

  /** Returns the value to send, with `Exact` numbers. Call it only after `check` has returned true. */
  const read = () => (asJson ? json.read() : members.read());

  return {
    element,
    /** True if there are no fields. */
    empty: hasFields && members.fields.size === 0,
    read,
    /** Returns the value as JSON text; invalid JSON is returned as it was typed. */
    text: () => (asJson && json.validate() ? /** @type {any} */ (json.control).value : write(read())),
    /**
     * Shows a value, as JSON if the fields can't show it.
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
      onChange();
    },
    /** True while the value is edited as JSON. */
    isJson: () => asJson,
    /** True if the form can switch between fields and JSON now. */
    canSwitchMode: () => !asJson || (hasFields && json.validate() === "" && fits(json.read(), schema, schema)),
    /** Switches between fields and JSON, if `canSwitchMode`. */
    switchMode() {
      const value = read();
      asJson = !asJson;
      if (asJson) json.set(value);
      else members.set(value);
      show();
      onChange();
    },
    /** Validates the fields, shows the errors and focuses the first; returns true if there are none. */
    check() {
      const errors = all(top()).map((field) => ({ field, msg: field.validate() }));
      return present(errors.filter(({ msg }) => msg !== ""));
    },
    /**
     * Shows errors that the service has found, each at its field.
     * @param {FieldError[]} errors their `loc` without its first part, "body" or "query"
     */
    showErrors(errors) {
      const place = (/** @type {FieldError["loc"]} */ loc) => (asJson && loc.length > 0 ? `${loc.join(".")}: ` : "");
      present(errors.map(({ loc, msg }) => ({ field: fieldAt(loc), msg: place(loc) + msg })));
    },
  };

  /** @param {(string | number)[]} loc @returns {Field | null} null if the location is not a field */
  function fieldAt(loc) {
    if (asJson) return json;
    /** @type {Field | null} */
    let found = null;
    for (const part of loc) {
      // Some parts name no field, for example the type of a choice that did not match.
      found = (found === null ? members.fields.get(String(part)) : found.child(part)) ?? found;
    }
    return found;
  }

  /** @param {{field: Field | null, msg: string}[]} errors */
  function present(errors) {
    for (const field of all(top())) field.showError("");
    /** @type {Map<Field, string[]>} */
    const byField = new Map();
    for (const { field, msg } of errors) {
      if (field) byField.set(field, [...new Set([...(byField.get(field) ?? []), msg])]);
    }
    for (const [field, msgs] of byField) field.showError(msgs.join(" "));
    const lines = errors.map(({ field, msg }) => h("li", {}, field ? linkTo(field, msg) : msg));
    summary.replaceChildren(h("p", {}, "Correct these fields:"), h("ul", {}, ...lines));
    summary.hidden = errors.length === 0;
    const first = errors.find(({ field }) => field)?.field;
    first?.control.focus();
    return errors.length === 0;
  }
}

/** @param {Field} field @param {string} msg */
function linkTo(field, msg) {
  const go = () => field.control.focus();
  return h("button", { type: "button", onclick: go }, `${field.label}: ${msg}`);
}

/** @param {Field[]} fields @returns {Field[]} the fields and their children, in document order */
function all(fields) {
  return fields.flatMap((field) => [field, ...all(field.children())]);
}
