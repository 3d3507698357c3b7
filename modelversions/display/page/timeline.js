"use strict";
// The timeline of a model, as in notebooks: a dot for each version, and a lane for each stage.

const MIN_WIDTH = 320;
const RIGHT = 16;
const LANE = 30;
const TOP = 50;
const AXIS = 26;
const BAR = 20;
// The estimated width of a character of a label in the monospace font.
const LETTER = 6.7;
const MAX_LANES = 12;
const MAX_MARKS = 200;
const MAX_LABEL = 14;
const TICK = 84;
const STEPS = [3600, 6 * 3600, DAY, 7 * DAY, 14 * DAY];
const MONTH_STEPS = [1, 3, 6, 12, 24, 60, 120, 600, 1200, 2400, 6000, 12000, 60000];

/** Return an element with the drawing, which is redrawn when the width of the element changes. */
function timelineOf(model) {
  const holder = node("div", {});
  let width = 0;
  new ResizeObserver(() => {
    const wanted = Math.max(MIN_WIDTH, Math.floor(holder.clientWidth));
    if (wanted === width || holder.clientWidth === 0) return;
    width = wanted;
    holder.replaceChildren(drawing(model, width));
  }).observe(holder);
  return holder;
}

/** Return the drawing of a model that has events. */
function drawing(model, width) {
  const stages = [...new Set(model.spans.map((span) => span.stage))];
  stages.sort((one, other) => (DATA.stages[one][0] < DATA.stages[other][0] ? -1 : 1));
  const shown = stages.slice(0, MAX_LANES);
  const names = shown.map((stage) => DATA.stages[stage][0]);
  const longest = Math.max(8, ...names.map((name) => label(name).length));
  const scale = scaleOf(model, 16 + 7 * longest, width);
  const height = TOP + LANE * shown.length + AXIS;
  const hidden = stages.length - shown.length;
  const about = `Timeline of ${model.name}: versions, and stages ${names.join(", ") || "none"}`
    + (hidden ? `; ${count(hidden, "more stage")} not shown` : "");
  return svg("svg", {
    class: "timeline", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": about,
  }, ticks(scale, height), dots(model, scale),
  shown.flatMap((stage, lane) => laneOf(model, stage, lane, scale)));
}

function label(name) {
  return name.length > MAX_LABEL ? `${name.slice(0, MAX_LABEL - 1)}\u2026` : name;
}

/** Return the scale from the first event to a little after the last one. */
function scaleOf(model, left, width) {
  const first = model.events[0].time;
  const last = model.events[model.events.length - 1].time;
  const margin = Math.max((last - first) * 0.04, 3600);
  const start = first - margin;
  const end = last + margin;
  const x = (time) => round(left + ((time - start) / (end - start)) * (width - RIGHT - left));
  return { start, end, left, width, x };
}

function round(number) {
  return Math.round(number * 10) / 10;
}

/** Return a dot for each version, and the names for which there is space, newest first. */
function dots(model, scale) {
  const parts = [text("versions", 0, TOP - 8)];
  const found = [...model.versions].sort((one, other) => other.origin.time - one.origin.time);
  let free = scale.width;
  for (const version of found.slice(0, MAX_MARKS)) {
    const x = scale.x(version.origin.time);
    const state = version.active ? "registered" : "deregistered; registered";
    const when = exactText(version.origin.time, version.origin.offset).slice(0, 16);
    parts.push(svg("circle", { cx: x, cy: TOP - 12, r: 4, class: version.active ? "dot" : "dot gone" },
      svg("title", {}, `${version.name}, ${state} ${when}`)));
    const name = label(version.name);
    const half = (name.length * LETTER) / 2;
    const middle = Math.min(x, scale.width - half);
    if (middle + half <= free && middle - half >= scale.left - 12) {
      free = middle - half - 6;
      parts.push(text(name, middle, 22, "fixed", "middle"));
    }
  }
  return parts;
}

/** Return the lane of a stage: a line above it, its name, and its newest spans. */
function laneOf(model, stage, lane, scale) {
  const top = TOP + LANE * lane;
  const spans = model.spans.filter((span) => span.stage === stage).slice(-MAX_MARKS);
  return [rule(0, top + 0.5, scale.width, top + 0.5), text(label(DATA.stages[stage][0]), 0, top + 20),
    ...spans.flatMap((span) => bar(model, span, top + (LANE - BAR) / 2, scale))];
}

function bar(model, span, y, scale) {
  const x = scale.x(span.start);
  const end = span.end === null ? scale.width - RIGHT : scale.x(span.end);
  const width = Math.max(end - x - 1, 1.5);
  const name = holderName(model, span.holder);
  const [stage, hue] = DATA.stages[span.stage];
  const minute = (time) => exactText(time, 0).slice(0, 16);
  const until = span.end === null ? "now" : minute(span.end);
  const parts = [svg("rect", {
    x, y, width: round(width), height: BAR, rx: 3, class: `span hue${hue}`,
  }, svg("title", {}, `${name} in ${stage}, ${minute(span.start)} to ${until} UTC`))];
  if (name.length * LETTER + 8 <= width) parts.push(text(name, x + 5, y + 14, "fixed"));
  return parts;
}

/** Return the dates below the lanes, as many as there is space for. */
function ticks(scale, height) {
  const bottom = height - AXIS;
  const most = Math.max(2, Math.floor((scale.width - scale.left) / TICK));
  const [times, name] = chooseTicks(scale.start, scale.end, most);
  return [rule(0, bottom + 0.5, scale.width, bottom + 0.5), ...times.flatMap((time, index) => {
    const x = scale.x(time);
    const date = new Date(time * 1000);
    const year = String(date.getUTCFullYear());
    const shown = name(date);
    const full = index === 0 && !shown.includes(year) ? `${shown} ${year}` : shown;
    const middle = Math.min(x, scale.width - (full.length * LETTER) / 2);
    return [rule(x, bottom, x, bottom + 5), text(full, middle, bottom + 18, "axis", "middle")];
  })];
}

/** Return round times between two times, and a function that formats them. */
function chooseTicks(start, end, most) {
  const step = STEPS.find((one) => (end - start) / one <= most);
  if (step) {
    const times = [];
    const midnight = Math.floor(start / DAY) * DAY;
    for (let time = midnight + Math.ceil((start - midnight) / step) * step; time <= end; time += step) {
      times.push(time);
    }
    return [times, step < DAY ? clockName : dayName];
  }
  const month = (time) => {
    const date = new Date(time * 1000);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  };
  const months = month(end) - month(start);
  const monthStep = MONTH_STEPS.find((one) => months / one <= most) || MONTH_STEPS.at(-1);
  const times = [];
  const first = Math.ceil((month(start) + 1) / monthStep) * monthStep;
  for (let at = first; at <= month(end); at += monthStep) {
    times.push(Date.UTC(Math.floor(at / 12), at % 12, 1) / 1000);
  }
  return [times, monthStep >= 12 ? yearName : monthName];
}

function dayName(date) {
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

function clockName(date) {
  return `${dayName(date)} ${date.toISOString().slice(11, 16)}`;
}

function monthName(date) {
  const name = MONTHS[date.getUTCMonth()];
  return date.getUTCMonth() === 0 ? `${name} ${date.getUTCFullYear()}` : name;
}

function yearName(date) {
  return String(date.getUTCFullYear());
}

function rule(x1, y1, x2, y2) {
  return svg("line", { x1, y1, x2, y2, class: "rule" });
}

function text(shown, x, y, kind = null, anchor = null) {
  return svg("text", { x: round(x), y, class: kind, "text-anchor": anchor }, shown);
}
