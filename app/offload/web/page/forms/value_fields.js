/**
 * The fields of a form with one value each.
 *
 * @typedef {import("./field.js").FieldSpec} FieldSpec
 * @typedef {import("./field.js").Field} Field
 */

import { h } from "../parts/dom.js";
import { parse, same, write } from "../service/json.js";
import { singleField } from "./field.js";
import { errorOf, requiredError, valueOf } from "./values.js";

const SINGLE_LINE = 80;

/** A field for strings, and for numbers without rounding. @param {FieldSpec} spec @returns {Field} */
export function textField(spec) {
  const { shape, required } = spec;
  const numeric = shape.kind !== "string";
  const props = {
    type: shape.schema.format === "password" ? "password" : shape.schema.format === "date" ? "date" : "text",
    inputmode: numeric ? (shape.kind === "integer" && !(shape.schema.minimum >= 0) ? "text" : "decimal") : undefined,
    class: numeric ? "numeric" : undefined,
    required,
    autocomplete: "off",
    spellcheck: "false",
  };
  /** @type {HTMLInputElement | HTMLTextAreaElement} */
  let input = h("input", props);
  const text = () => (numeric ? input.value.trim() : input.value);
  const field = singleField(spec, input, {
    read: () => (text() === "" ? undefined : valueOf(text(), shape)),
    set(value) {
      const shown = value === null || value === undefined ? "" : String(value);
      if (shown.includes("\n")) grow();
      input.value = shown;
    },
    validate: () => (text() === "" ? requiredError(required) : errorOf(text(), shape)),
  });
  /** An input silently removes line breaks, so a text with line breaks gets a textarea. */
  function grow() {
    if (input instanceof HTMLTextAreaElement) return;
    const area = h("textarea", { required, rows: 4, spellcheck: "false", id: input.id });
    for (const name of ["aria-describedby", "aria-invalid"]) {
      if (input.hasAttribute(name)) area.setAttribute(name, input.getAttribute(name) ?? "");
    }
    area.value = input.value;
    area.setSelectionRange(input.selectionStart, input.selectionEnd);
    const focused = document.activeElement === input;
    input.replaceWith(area);
    field.control = input = area;
    if (focused) area.focus();
  }
  if (props.type === "text" && !numeric) {
    input.addEventListener("paste", (/** @type {any} */ event) => {
      if (/[\r\n]/.test(event.clipboardData?.getData("text") ?? "")) grow(); // the text goes to the textarea
    });
  }
  return field;
}

/** A field for one of a few values. @param {FieldSpec} spec @returns {Field} */
export function enumField(spec) {
  const { shape, required } = spec;
  const values = shape.kind === "boolean" ? [true, false] : shape.schema.enum;
  const select = h(
    "select",
    { required },
    h("option", { value: "" }, emptyChoice(spec)),
    ...values.map((/** @type {any} */ value, /** @type {number} */ index) =>
      h("option", { value: String(index) }, typeof value === "string" ? value : write(value)),
    ),
  );
  return singleField(spec, select, {
    read: () => (select.value === "" ? undefined : values[Number(select.value)]),
    set(value) {
      const index = values.findIndex((/** @type {any} */ choice) => same(choice, value ?? null));
      select.value = index < 0 ? "" : String(index);
    },
    validate: () => (select.value === "" ? requiredError(required) : ""),
  });
}

/** The text of the option that chooses no value. @param {FieldSpec} spec */
export function emptyChoice({ required, shape }) {
  if (required) return "Choose…";
  const given = shape.schema.default ?? null;
  return given === null ? "Leave out" : `Default: ${typeof given === "string" ? given : write(given)}`;
}

/** A checkbox, for a boolean with a default. @param {FieldSpec} spec @returns {Field} */
export function checkField(spec) {
  const { required, shape } = spec;
  const box = h("input", { type: "checkbox" });
  box.checked = shape.schema.default;
  return singleField(spec, box, {
    read: () => (!required && box.checked === shape.schema.default ? undefined : box.checked),
    set: (value) => (box.checked = typeof value === "boolean" ? value : shape.schema.default),
    validate: () => "",
  });
}

/** A constant, which is always sent. @param {FieldSpec} spec @returns {Field} */
export function constField(spec) {
  const value = spec.shape.kind === "null" ? null : spec.shape.schema.const;
  const output = h("output", { class: "constant", tabindex: "-1" }, typeof value === "string" ? value : write(value));
  return singleField(spec, output, { read: () => value, set: () => {}, validate: () => "" });
}

/** A JSON text, for schemas that no other field can show. @param {FieldSpec} spec @returns {Field} */
export function jsonField(spec) {
  const { required } = spec;
  const area = h("textarea", { class: "json", required, rows: 3, spellcheck: "false", autocomplete: "off" });
  const validate = () => {
    if (area.value.trim() === "") return requiredError(required);
    try {
      parse(area.value);
      return "";
    } catch (error) {
      return `This is not JSON: ${error instanceof Error ? error.message : error}`;
    }
  };
  return singleField(spec, area, {
    read: () => (validate() || area.value.trim() === "" ? undefined : parse(area.value)),
    set(value) {
      const short = value === undefined ? "" : write(value);
      area.value = short.length <= SINGLE_LINE ? short : write(value, "");
    },
    validate,
  });
}
