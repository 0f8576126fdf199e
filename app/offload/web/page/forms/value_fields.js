/**
 * The fields of a form that hold one value each.
 *
 * @typedef {import("./field.js").Asked} Asked
 * @typedef {import("./field.js").Field} Field
 */

import { h } from "../parts/dom.js";
import { framed } from "./field.js";
import { parse, same, write } from "../service/json.js";
import { complaintOf, needed, valueOf } from "./values.js";

const SINGLE_LINE = 80;

/** Text as typed: strings, and numbers with all their digits. @param {Asked} asked @returns {Field} */
export function textField(asked) {
  const { shape, required } = asked;
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
  const field = framed(asked, input, {
    read: () => (text() === "" ? undefined : valueOf(text(), shape)),
    set(value) {
      const shown = value === null || value === undefined ? "" : String(value);
      if (shown.includes("\n")) grow();
      input.value = shown;
    },
    complaint: () => (text() === "" ? needed(required) : complaintOf(text(), shape)),
  });
  /** A line's input drops line ends without a word: text that has some gets an area. */
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
      if (/[\r\n]/.test(event.clipboardData?.getData("text") ?? "")) grow(); // the paste then goes into the area
    });
  }
  return field;
}

/** One of a few values. @param {Asked} asked @returns {Field} */
export function enumField(asked) {
  const { shape, required } = asked;
  const values = shape.kind === "boolean" ? [true, false] : shape.schema.enum;
  const select = h(
    "select",
    { required },
    h("option", { value: "" }, leftOut(asked)),
    ...values.map((/** @type {any} */ value, /** @type {number} */ index) =>
      h("option", { value: String(index) }, typeof value === "string" ? value : write(value)),
    ),
  );
  return framed(asked, select, {
    read: () => (select.value === "" ? undefined : values[Number(select.value)]),
    set(value) {
      const index = values.findIndex((/** @type {any} */ one) => same(one, value ?? null));
      select.value = index < 0 ? "" : String(index);
    },
    complaint: () => (select.value === "" ? needed(required) : ""),
  });
}

/** What stands for not choosing. @param {Asked} asked */
export function leftOut({ required, shape }) {
  if (required) return "Choose…";
  const given = shape.schema.default ?? null;
  return given === null ? "Leave out" : `Default: ${typeof given === "string" ? given : write(given)}`;
}

/** Yes or no, where there is a default to begin with. @param {Asked} asked @returns {Field} */
export function checkField(asked) {
  const { required, shape } = asked;
  const box = h("input", { type: "checkbox" });
  box.checked = shape.schema.default;
  return framed(asked, box, {
    read: () => (!required && box.checked === shape.schema.default ? undefined : box.checked),
    set: (value) => (box.checked = typeof value === "boolean" ? value : shape.schema.default),
    complaint: () => "",
  });
}

/** A value that can't be another one; it is always sent. @param {Asked} asked @returns {Field} */
export function constField(asked) {
  const value = asked.shape.kind === "null" ? null : asked.shape.schema.const;
  const output = h("output", { class: "constant", tabindex: "-1" }, typeof value === "string" ? value : write(value));
  return framed(asked, output, { read: () => value, set: () => {}, complaint: () => "" });
}

/** What no other field can draw, as JSON. @param {Asked} asked @returns {Field} */
export function jsonField(asked) {
  const { required } = asked;
  const area = h("textarea", { class: "json", required, rows: 3, spellcheck: "false", autocomplete: "off" });
  const complaint = () => {
    if (area.value.trim() === "") return needed(required);
    try {
      parse(area.value);
      return "";
    } catch (error) {
      return `This is not JSON: ${error instanceof Error ? error.message : error}`;
    }
  };
  return framed(asked, area, {
    read: () => (complaint() || area.value.trim() === "" ? undefined : parse(area.value)),
    set(value) {
      const short = value === undefined ? "" : write(value);
      area.value = short.length <= SINGLE_LINE ? short : write(value, "");
    },
    complaint,
  });
}
