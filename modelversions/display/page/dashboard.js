"use strict";
// The dashboard: a row for each model; search, sort and filters.

const MAX_STAGES = 8;
// The width of the margins and of the columns other than stages, and the width of a stage's column.
const OTHER_COLUMNS = IS_CATALOG ? 800 : 640;
const STAGE_COLUMN = 96;
const PHONE = 700;
const NOW = Date.now() / 1000;

const state = { search: "", stage: "", deprecated: false, sort: "model", descending: false };
const deprecated = new Set(MODELS.deprecated);
const orders = new Map();
let searchTexts = null;
let shown = [];
let hiddenMatches = 0;
let stageLimit = MAX_STAGES;

// The number of models with a version in each stage; the stages by name and by this number.
const stageCounts = new Map();
for (let index = 0; index < SIZE; index++) {
  for (const [stage] of holdersOf(index)) stageCounts.set(stage, (stageCounts.get(stage) || 0) + 1);
}
const stagesByName = [...stageCounts.keys()];
stagesByName.sort((one, other) => (DATA.stages[one][0] < DATA.stages[other][0] ? -1 : 1));
const stageNumbers = new Map(stagesByName.map((stage) => [DATA.stages[stage][0], stage]));
const stagesByUse = [...stagesByName].sort((one, other) => stageCounts.get(other) - stageCounts.get(one));

/** Return the columns: [id, heading, whether it is sorted in descending order first]. */
function columns() {
  const stages = new Set(stagesByUse.slice(0, stageLimit));
  const selected = stageNumbers.get(state.stage);
  if (selected !== undefined && !stages.has(selected)) {
    stages.delete([...stages].at(-1));
    stages.add(selected);
  }
  return [
    ...(IS_CATALOG ? [["repository", "Repository", false]] : []),
    ["model", "Model", false],
    ["latest", "Latest version", true],
    ...stagesByName.filter((stage) => stages.has(stage)).map((stage) => [`#${DATA.stages[stage][0]}`, pill(stage), true]),
    ["versions", "Versions", true],
    ["change", "Last change", true],
  ];
}

/** Return the indices of the models in the order of a column, ascending; models without a value last. */
function orderBy(id) {
  if (!orders.has(id)) orders.set(id, sorted(id));
  return orders.get(id);
}

function sorted(id) {
  const all = Array.from({ length: SIZE }, (_, index) => index);
  if (id === "repository" || (id === "model" && !IS_CATALOG)) return { order: all, empty: [] };
  const value = valuesOf(id);
  const full = all.filter((index) => value(index) !== null);
  const empty = all.filter((index) => value(index) === null);
  const compare = typeof value(full[0]) === "number" ? (one, other) => one - other
    : new Intl.Collator("en", { numeric: true, sensitivity: "variant" }).compare;
  full.sort((one, other) => compare(value(one), value(other)) || one - other);
  return { order: full, empty };
}

/** Return a function from a model's index to the sort key of a column; null is last. */
function valuesOf(id) {
  if (id === "model") return (index) => MODELS.names[index];
  if (id === "latest") return (index) => MODELS.latest[index];
  if (id === "versions") return (index) => at(MODELS.versions, index);
  if (id === "change") return (index) => at(MODELS.times, index);
  const stage = stageNumbers.get(id.slice(1));
  return (index) => {
    const held = holdersOf(index).find(([one]) => one === stage);
    return held ? held[1] : null;
  };
}

/** Return the indices of the models that the filters select, in the chosen order. */
function select() {
  if (searchTexts === null) searchTexts = KEYS.map((key) => key.toLowerCase());
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  const stage = stageNumbers.get(state.stage);
  const matches = (index) => words.every((word) => searchTexts[index].includes(word))
    && (stage === undefined || MODELS.holders[index].some((one, at) => at % 2 === 0 && one === stage));
  const fits = (index) => (state.deprecated || !deprecated.has(index)) && matches(index);
  hiddenMatches = state.deprecated ? 0 : MODELS.deprecated.filter((index) => matches(index)).length;
  const { order, empty } = orderBy(state.sort);
  return [...(state.descending ? [...order].reverse() : order), ...empty].filter(fits);
}

/** Return the number of stages that have columns: as many as fit. */
function fittingStages() {
  if (window.innerWidth <= PHONE) return MAX_STAGES;
  const fitting = Math.floor((byId("dashboard").clientWidth - OTHER_COLUMNS) / STAGE_COLUMN);
  return Math.min(Math.max(fitting, 2), MAX_STAGES);
}

/** Show the models that the filters select. */
function update() {
  shown = select();
  stageLimit = fittingStages();
  renderHeads();
  byId("rows").replaceChildren();
  appendRows(FIRST);
  const isFiltered = state.search.trim() || state.stage;
  const total = state.deprecated ? SIZE : SIZE - deprecated.size;
  const all = count(total, "model");
  byId("status").textContent = isFiltered ? `${shown.length.toLocaleString("en")} of ${all}` : all;
  byId("empty").replaceChildren(...emptyText(isFiltered));
  byId("empty").hidden = shown.length > 0;
  byId("scroll").hidden = shown.length === 0;
  byId("hidden").hidden = !isFiltered || hiddenMatches === 0;
  byId("hidden-button").textContent = `Show ${count(hiddenMatches, "deprecated model")} that ${hiddenMatches === 1 ? "matches" : "match"}`;
  const omitted = stagesByUse.length - stageLimit;
  byId("omitted").hidden = omitted <= 0 || shown.length === 0;
  const note = `${count(omitted, "more stage")} without a column: choose one above the table to see it.`;
  byId("omitted").textContent = note;
  fit();
}

function emptyText(isFiltered) {
  if (!SIZE && IS_CATALOG) return [DATA.repositories.length ? "No models yet." : "No repositories."];
  if (!SIZE && DATA.repositories[0].until) return ["There were no models at that time."];
  if (!SIZE) return ["No models yet: ", mono('registry.register("model", "v1.0.0")'), " registers the first version."];
  if (!isFiltered) return [`${SIZE === 1 ? "The only model is" : `All ${count(SIZE, "model")} are`} deprecated.`];
  const button = node("button", { type: "button" }, "Clear search and filter");
  button.addEventListener("click", () => {
    apply({ ...state, search: "", stage: "" });
    byId("search").focus();
  });
  return ["No model matches. ", button];
}

function appendRows(limit) {
  const body = byId("rows");
  const start = body.rows.length;
  const end = Math.min(shown.length, start + limit);
  const list = columns();
  const rows = document.createDocumentFragment();
  for (let position = start; position < end; position++) rows.append(modelRow(shown[position], list));
  body.append(rows);
  byId("more").hidden = end === shown.length;
  const next = Math.min(CHUNK, shown.length - end);
  byId("more-button").textContent = `Show ${next} more of ${count(shown.length, "model")}`;
}

function modelRow(index, list) {
  const held = new Map(holdersOf(index));
  return tableRow(list.map(([id, label]) => cellOf(id, label, index, held)),
    { class: deprecated.has(index) ? "dim" : null });
}

function cellOf(id, label, index, held) {
  if (id === "repository") return ["repository", label, clamped(repositoryOf(index).name, repositoryOf(index).name)];
  if (id === "model") {
    const state = deprecated.has(index) ? node("span", { class: "pill plain" }, "deprecated") : null;
    return ["name", label, clamped(node("a", { href: linkTo(index) }, MODELS.names[index]), MODELS.names[index]), state && " ", state];
  }
  if (id === "latest") {
    const name = MODELS.latest[index];
    return name === null ? ["latest none", label, NONE] : ["latest", label, node("a", { href: linkTo(index, name) }, mono(name))];
  }
  if (id === "versions") {
    const number = at(MODELS.versions, index);
    return ["number", number === 1 ? "version" : "versions", number.toLocaleString("en")];
  }
  if (id === "change") return ["change", label, ...lastChange(index)];
  const stage = stageNumbers.get(id.slice(1));
  const [name, hue] = DATA.stages[stage];
  if (!held.has(stage)) return ["stage none", name, NONE];
  return [`stage hue${hue}`, name, node("a", { href: holderLink(index, stage, held.get(stage)) }, mono(shortName(held.get(stage))))];
}

/** Return the link to the version in a stage; for a commit without a version, the link to the stage. */
function holderLink(index, stage, holder) {
  return holder.startsWith("v") ? linkTo(index, holder) : `${linkTo(index)}#${encodeURI(DATA.stages[stage][0])}`;
}

function lastChange(index) {
  const time = at(MODELS.times, index);
  const offset = at(MODELS.offsets, index);
  const exact = dateNode(time, offset);
  const ago = node("span", { class: "ago", title: exact.title }, agoText(time, NOW));
  exact.className = "exact";
  return [ago, exact, node("div", { class: "by" }, authorNode(at(MODELS.authors, index)))];
}

function renderHeads() {
  byId("heads").replaceChildren(...columns().map(([id, heading, descends]) => {
    const isSorted = state.sort === id;
    const sort = isSorted ? (state.descending ? "descending" : "ascending") : null;
    const button = node("button", { type: "button", class: "sort" }, heading);
    button.addEventListener("click", () => {
      apply({ ...state, sort: id, descending: isSorted ? !state.descending : descends });
      byId("heads").querySelector("[aria-sort] button").focus();
    });
    const kind = id === "versions" ? "number" : id.startsWith("#") ? "stage" : id;
    return node("th", { scope: "col", role: "columnheader", class: kind, "aria-sort": sort }, button);
  }));
}

/** Make the heading sticky if the table is not wider than the page. */
function fit() {
  if (byId("dashboard").hidden) return;
  const scroll = byId("scroll");
  const fits = byId("models").offsetWidth <= scroll.clientWidth;
  scroll.classList.toggle("fits", fits);
  if (fits) scroll.removeAttribute("tabindex");
  else scroll.setAttribute("tabindex", "0");
}

/** Change search, filters and order, and update the table. */
function apply(wanted) {
  Object.assign(state, wanted);
  if (byId("search").value !== state.search) byId("search").value = state.search;
  byId("deprecated").checked = state.deprecated;
  for (const one of byId("stages").querySelectorAll("input")) one.checked = one.value === state.stage;
  for (const one of byId("stages").querySelectorAll("select")) one.value = state.stage;
  update();
  rememberState();
}

/** Create the parts that do not change: heading, filters, repositories that were not read, problems. */
function start() {
  document.title = DATA.title;
  byId("title").textContent = DATA.title;
  byId("about").replaceChildren(...about());
  byId("deprecated-text").textContent = `deprecated (${deprecated.size.toLocaleString("en")})`;
  byId("deprecated-label").hidden = deprecated.size === 0;
  byId("controls").hidden = SIZE === 0;
  byId("stages").append(...stageFilter());
  byId("stages").hidden = stagesByName.length === 0;
  byId("extra").append(...errorsSection(), ...allProblems());
  listen();
}

function about() {
  const parts = [`${count(SIZE, "model")}, ${count(DATA.version_count, "version")} in `];
  if (IS_CATALOG) {
    const all = DATA.repositories.length + DATA.errors.length;
    parts.push(count(all, "repository", "repositories"));
    if (DATA.errors.length) parts.push(", ", node("strong", {}, `${DATA.errors.length.toLocaleString("en")} not read`));
  } else {
    return [...parts, ...readNote(DATA.repositories[0]), ...problemsButton()];
  }
  return [...parts, readTime(), ...problemsButton()];
}

/** Return a button with the number of all problems, which moves the focus to them. */
function problemsButton() {
  const total = problemModels().reduce((sum, index) => sum + at(DATA.model_problems, index), DATA.problem_count);
  if (!total) return [];
  const button = node("button", { type: "button", class: "link" }, count(total, "problem"));
  button.addEventListener("click", () => {
    const heading = byId("extra").querySelector(".of-problems h2");
    heading.setAttribute("tabindex", "-1");
    heading.focus();
  });
  return [" \u00b7 ", button];
}

function problemModels() {
  return MODELS.names.map((_, index) => index).filter((index) => at(DATA.model_problems, index) > 0);
}

/** Return the models that have problems, with links; and a table of problems without a model. */
function allProblems() {
  const items = problemModels().map((index) => node("li", {}, node("a", { href: linkTo(index) },
    `${KEYS[index]} (${at(DATA.model_problems, index).toLocaleString("en")})`)));
  const list = items.length
    ? [section("Models with problems", node("ul", { class: "holders" }, limited(items, "model")))] : [];
  const found = [...list, ...problemsSection(DATA.problems, DATA.problem_count)];
  found[0]?.classList.add("of-problems");
  return found;
}

/** Return the filter by stage: buttons, or a drop-down if there are many stages. */
function stageFilter() {
  const names = stagesByName.map((stage) => DATA.stages[stage][0]);
  const choose = (event) => apply({ ...state, stage: event.target.value });
  if (names.length > MAX_STAGES) {
    const options = names.map((name) => node("option", { value: name }, name));
    const select = node("select", { "aria-label": "Stage" }, node("option", { value: "" }, "All stages"), options);
    select.addEventListener("change", choose);
    return [select];
  }
  return [["", "All"], ...names.map((name) => [name, name])].map(([value, name]) => {
    const input = node("input", { type: "radio", name: "stage", value });
    input.checked = value === "";
    input.addEventListener("change", choose);
    return node("label", { class: "choice" }, input, node("span", {}, name));
  });
}

/** Return a section with the repositories that were not read, if there are any. */
function errorsSection() {
  const { length } = DATA.errors;
  if (!length) return [];
  const made = longTable("Repositories that were not read", "problems", ["Repository", "Error"], length, (index) => {
    const [name, message] = DATA.errors[index];
    return tableRow([["name", "Repository", name], ["text", "Error", node("span", { dir: "auto" }, message)]]);
  });
  return [section(`Not read (${length.toLocaleString("en")})`, ...made)];
}

function listen() {
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("search").addEventListener("input", (event) => apply({ ...state, search: event.target.value }));
  byId("deprecated").addEventListener("change", (event) => apply({ ...state, deprecated: event.target.checked }));
  byId("hidden-button").addEventListener("click", () => {
    apply({ ...state, deprecated: true });
    byId("deprecated").focus();
  });
  byId("more-button").addEventListener("click", () => appendRows(CHUNK));
  new IntersectionObserver((entries) => {
    if (entries.some((one) => one.isIntersecting)) appendRows(CHUNK);
  }, { rootMargin: "400px" }).observe(byId("more"));
  new ResizeObserver(() => {
    if (!byId("dashboard").hidden && fittingStages() !== stageLimit) update();
    else fit();
  }).observe(byId("dashboard"));
}
