"use strict";
// Elements, texts and dates. All text becomes text nodes or attributes; innerHTML is not used.

const NONE = "\u2013";
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY = 86400;
// The name of a unit, its number of seconds, and the number of seconds from which on it is used.
const UNITS = [["year", 365 * DAY, 365 * DAY], ["month", 30.44 * DAY, 61 * DAY],
  ["week", 7 * DAY, 14 * DAY], ["day", DAY, DAY], ["hour", 3600, 3600], ["minute", 60, 60]];
// The number of rows of a table at first, more than fit on a screen, and the number appended at once.
const FIRST = 40;
const CHUNK = 100;
// The number of characters above which a name is shortened, and of list elements shown at first.
const LONG = 48;
const MAX_ELEMENTS = 20;

/** Return an element of the page by its id, without the "~" at the end. */
function byId(id) {
  return document.getElementById(`${id}~`);
}

/** Return a new element; attributes of null are omitted, children are elements and texts. */
function node(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Return a new element of a drawing. */
function svg(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}

/** Return a number with separators, and a noun: "1,000 models". */
function count(number, noun, plural = `${noun}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`;
}

function firstLine(text) {
  const line = text.slice(0, 400).split("\n", 1)[0];
  return line.length > 200 ? `${line.slice(0, 199)}\u2026` : line;
}

/** Return a date in the zone of its author, such as "18 Jul 2026". */
function dateText(time, offset) {
  const date = new Date((time + offset * 60) * 1000);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** Return the exact time, such as "2026-07-18 14:00:00 +02:00". */
function exactText(time, offset) {
  const local = new Date((time + offset * 60) * 1000).toISOString();
  const minutes = Math.abs(offset);
  const pad = (number) => String(number).padStart(2, "0");
  const zone = `${offset < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${zone}`;
}

/** Return the difference of a time from now, such as "3 weeks ago". */
function agoText(time, now) {
  const seconds = Math.abs(now - time);
  const unit = UNITS.find(([, , least]) => seconds >= least);
  if (!unit) return "just now";
  const number = count(Math.floor(seconds / unit[1]), unit[0]);
  return now < time ? `in ${number}` : `${number} ago`;
}

/** Return an element with a date; its tooltip is the exact time. */
function dateNode(time, offset) {
  const exact = exactText(time, offset);
  return node("time", { datetime: exact.replace(" ", "T").replace(" ", ""), title: exact },
    dateText(time, offset));
}

/** Return a link to another site, or only the child if the URL is null. */
function linked(child, url) {
  if (url === null) return child;
  return node("a", { href: url, rel: "noopener noreferrer" }, child);
}

function mono(text, title = null) {
  return node("code", { title }, text);
}

/** Return a child that is cut after two lines if its text is long; the tooltip has the text. */
function clamped(child, text) {
  return text.length > LONG ? node("div", { class: "clamp", title: text.slice(0, 1000) }, child) : child;
}

/** Return the name of a version; a long one is cut to the available width. */
function nameCode(name) {
  return name.length > LONG ? node("code", { class: "cut", title: name.slice(0, 1000) }, name) : mono(name);
}

/** Return the first elements, and a button that shows the rest. */
function limited(elements, noun) {
  const rest = elements.slice(MAX_ELEMENTS);
  if (!rest.length) return elements;
  const button = node("button", { type: "button", class: "rest" }, `and ${count(rest.length, `more ${noun}`)}`);
  button.addEventListener("click", () => {
    rest[0].setAttribute("tabindex", "-1");
    button.replaceWith(...rest);
    rest[0].focus();
  });
  return [...elements.slice(0, MAX_ELEMENTS), button];
}

/** Return a table in chunks: the first rows, and a button that appends the next ones. */
function longTable(caption, kind, heads, length, makeRow) {
  const body = node("tbody", { role: "rowgroup" });
  const button = node("button", { type: "button" });
  const more = node("p", { class: "more" }, button);
  const head = heads.map((one) => node("th", { scope: "col", role: "columnheader" }, one));
  const table = node("table", { class: kind, role: "table", "aria-label": caption },
    node("thead", { role: "rowgroup" }, node("tr", { role: "row" }, head)), body);
  const append = (limit) => {
    const start = body.rows.length;
    const end = Math.min(length, start + limit);
    const rows = document.createDocumentFragment();
    for (let index = start; index < end; index++) rows.append(makeRow(index));
    body.append(rows);
    more.hidden = end === length;
    button.textContent = `Show ${Math.min(CHUNK, length - end)} more of ${length.toLocaleString("en")}`;
  };
  button.addEventListener("click", () => append(CHUNK));
  table.addEventListener("print", () => append(length));
  append(FIRST);
  return [node("div", { class: "scroll" }, table), more];
}

/** Return a row of a table; cells are [class, label, ...children]. */
function tableRow(cells, attributes = {}) {
  return node("tr", { role: "row", ...attributes }, cells.map(([kind, label, ...children]) => {
    const cell = { role: "cell", class: kind, "data-label": typeof label === "string" ? label : null };
    return node("td", cell, ...children);
  }));
}
