"use strict";
// The details of a model: one version in full, the timeline, all versions, history and problems.

const MAX_OPTIONS = 1000;
// The number of characters of a message that fit into a line of the history.
const SHORT = 60;

/** Show a model; the name of a version is null for the latest one. */
function showDetails(index, name) {
  const model = readModel(index);
  const version = chooseVersion(model, name);
  const heading = node("h1", { tabindex: "-1" }, model.name);
  const choice = model.versions.length ? picker(model, version) : null;
  const main = byId("details");
  byId("dashboard").hidden = true;
  main.hidden = false;
  main.replaceChildren(
    crumbs(model),
    node("header", { class: "head" }, heading, latestNote(model), choice),
    ...stagesOf(model),
    ...(name !== null && version === null ? [missingNote(model, name)] : []),
    ...(version === null ? [] : [versionPanel(model, version)]),
    section("Timeline", timelineOf(model)),
    node("div", { class: "columns" }, versionsSection(model, version), historySection(model, version)),
    ...problemsSection(model.problems, model.problemCount),
    ...malformedNote(model),
    node("p", { class: "about read" }, ...readNote(model.repository)),
  );
  const shown = version && name !== null ? `${model.name} ${version.name}` : model.name;
  document.title = `${shown} \u2013 ${DATA.title}`;
  return heading;
}

/** Show that the data of a model is not loaded yet; or that it is missing, as the page is incomplete. */
function showLoading(index) {
  const heading = node("h1", { tabindex: "-1" }, MODELS.names[index]);
  const text = document.readyState === "loading" ? "Loading\u2026"
    : "The data of this model are missing: the page was not loaded as a whole. Reload it.";
  const main = byId("details");
  byId("dashboard").hidden = true;
  main.hidden = false;
  main.replaceChildren(crumbs({ name: MODELS.names[index], repository: repositoryOf(index) }),
    node("header", { class: "head" }, heading), node("p", { class: "muted", role: "status" }, text));
  document.title = `${MODELS.names[index]} \u2013 ${DATA.title}`;
  return heading;
}

/** Return the version with a name or in a stage ("#prod"), by default the latest one; null if none. */
function chooseVersion(model, name) {
  if (name === null || name === "latest" || name === "greatest") return model.latest;
  if (name.startsWith("#")) {
    const held = model.holders.find(({ stage }) => DATA.stages[stage][0] === name.slice(1));
    return (held && held.holder >= 0 && model.versions[held.holder]) || null;
  }
  return model.versions.find((version) => version.name === name) || null;
}

function missingNote(model, name) {
  const bare = model.holders.find(({ stage, holder }) => holder < 0 && `#${DATA.stages[stage][0]}` === name);
  const text = bare ? `The stage ${firstLine(name.slice(1))} of ${model.name} is held by the commit ${holderName(model, bare.holder)}, which has no version.`
    : name.startsWith("#") ? `No version of ${model.name} is in the stage ${firstLine(name.slice(1))}.`
    : `${model.name} has no version ${firstLine(name)}.`;
  return node("p", { class: "notice", role: "alert" }, text);
}

/** Return a note if there are problems that Model.problems does not include. */
function malformedNote(model) {
  const malformed = model.problems.some(([kind]) => DATA.problem_kinds[kind] === "malformed-name");
  return malformed ? [node("p", { class: "muted" }, "Tags with malformed names are included, as in registry.problems(); ",
    "model.problems does not have them.")] : [];
}

function crumbs(model) {
  const parts = [node("a", { href: "#" }, DATA.title), " / "];
  if (IS_CATALOG) parts.push(linked(model.repository.name, model.repository.home), " / ");
  return node("nav", { class: "crumbs", "aria-label": "Path" }, ...parts, model.name);
}

function section(title, ...children) {
  return node("section", {}, node("h2", {}, title), ...children);
}

function latestNote(model) {
  const { latest } = model;
  const state = model.deprecated ? node("span", { class: "pill plain" }, "deprecated") : "";
  if (latest === null) return [state, node("span", { class: "muted" }, "no active version")];
  const { time, offset } = latest.origin;
  return [
    node("a", { class: "latest", href: linkTo(model.index, latest.name) }, nameCode(latest.name)), state,
    node("span", { class: "muted" }, "latest, ", dateNode(time, offset)),
  ];
}

/** Return the drop-down of versions. */
function picker(model, current) {
  const active = model.versions.filter((one) => one.active);
  const gone = model.versions.filter((one) => !one.active);
  const shown = (list) => list.filter((one, at) => at < MAX_OPTIONS || one === current).map((one) => {
    const option = node("option", { value: one.name },
      one === model.latest ? `${one.name} (latest)` : one.name);
    option.selected = one === current;
    return option;
  });
  const select = node("select", { "aria-label": "Version" }, shown(active));
  if (current === null) select.prepend(node("option", { value: "", selected: "" }, "Choose a version"));
  if (gone.length) select.append(node("optgroup", { label: "Deregistered" }, shown(gone)));
  select.addEventListener("change", () => {
    if (select.value) location.hash = linkTo(model.index, select.value);
  });
  return select;
}

/** Return a list of the holders of the stages, if there are any. */
function stagesOf(model) {
  if (!model.holders.length) return [];
  return [node("ul", { class: "holders", "aria-label": "Stages" },
    limited(model.holders.map(({ stage, holder }) => node("li", {}, pill(stage), versionLink(model, holder))), "stage"))];
}

/** Return a link to a version; for a commit without a version, a link to the commit's page. */
function versionLink(model, holder) {
  const code = nameCode(holderName(model, holder));
  if (holder < 0) return linked(code, commitUrl(model, model.commit(-1 - holder)));
  return holder < model.versions.length
    ? node("a", { href: linkTo(model.index, model.names[holder]) }, code) : code;
}

/** Return a panel with all data of a version. */
function versionPanel(model, version) {
  const { origin } = version;
  const commit = model.commit(origin.commit);
  const author = origin.author < 0 ? [NONE, ""] : DATA.authors[origin.author];
  const facts = [
    ["Registered", exactText(origin.time, origin.offset)],
    ["Author", origin.author < 0 ? NONE : `${author[0]} <${author[1]}>`],
    ["Commit", linked(mono(commit), commitUrl(model, commit))],
    ["Tag", linked(mono(origin.tag), tagUrl(model, origin.tag))],
    ["Message", messageNode(origin)],
  ];
  return node("section", { class: "panel", "aria-label": `Version ${version.name}` },
    node("h2", {}, nameCode(version.name), " ", ...limited(version.stages.map(pill), "stage"),
      version.active ? "" : node("span", { class: "pill plain" }, "deregistered")),
    node("dl", {}, facts.flatMap(([name, value]) => [node("dt", {}, name), node("dd", {}, value)])));
}

function messageNode(event) {
  if (event.message === null) return node("span", { class: "muted" }, "the default message");
  const parts = [event.message];
  if (event.length) parts.push(node("span", { class: "muted" }, ` (${count(event.length, "character")} in all)`));
  return node("div", { class: "message", dir: "auto", tabindex: "0", role: "group", "aria-label": "Message" }, ...parts);
}

function versionsSection(model, current) {
  const active = model.versions.filter((one) => one.active);
  const gone = model.versions.filter((one) => !one.active);
  const listed = [...active, ...gone];
  const more = gone.length ? `, ${gone.length.toLocaleString("en")} deregistered` : "";
  const title = `Versions (${active.length.toLocaleString("en")}${more})`;
  if (!listed.length) return section(title, node("p", { class: "muted" }, "No version was registered."));
  const heads = ["Version", "Stages", "Registered", "Commit", "Author", "Message"];
  return section(title, ...longTable("Versions", "versions", heads, listed.length, (index) => {
    const version = listed[index];
    const { origin } = version;
    const commit = model.commit(origin.commit);
    const attributes = { class: version.active ? null : "dim", "aria-current": version === current ? "true" : null };
    const state = version.active ? [] : [node("span", { class: "pill plain" }, "deregistered")];
    return tableRow([
      ["name", "Version", versionLink(model, version.number)],
      ["pills", "Stages", ...limited(version.stages.map(pill), "stage"), ...state],
      ["date", "Registered", dateNode(origin.time, origin.offset)],
      ["sha", "Commit", linked(mono(commit.slice(0, 7), commit), commitUrl(model, commit))],
      ["by", "Author", authorNode(origin.author)],
      ["text muted", "Message", origin.message ? shortMessage(origin.message) : null],
    ], attributes);
  }));
}

function shortMessage(message) {
  return node("span", { dir: "auto", class: "clamp" }, firstLine(message));
}

function historySection(model, current) {
  const { events } = model;
  const title = `History (${events.length.toLocaleString("en")})`;
  const before = holdersBefore(model);
  return section(title, ...longTable("History", "history", ["Date", "Event"], events.length, (position) => {
    const event = events[events.length - 1 - position];
    const own = current !== null && event.version === current.number && event.kind !== "deprecation";
    return tableRow([
      ["date", "Date", dateNode(event.time, event.offset)],
      ["event", "Event", ...sentence(model, event, before.get(event)), messageDetails(event)],
    ], { class: own ? "own" : null });
  }));
}

/** Return an event of a model as a phrase. */
function sentence(model, event, before) {
  const by = event.author < 0 ? [] : [" ", node("span", { class: "byline" }, "by ", authorNode(event.author))];
  if (event.kind === "deprecation") return ["deprecated", ...by];
  const subject = event.version >= 0 ? versionLink(model, event.version)
    : ["commit ", versionLink(model, -1 - event.commit)];
  const done = {
    registration: "registered ", deregistration: "deregistered ",
    assignment: "assigned to ", unassignment: "unassigned from ",
  }[event.kind];
  const parts = event.stage < 0 ? [] : [pill(event.stage), " "];
  const earlier = before === undefined ? [] : [", previously ", nameCode(holderName(model, before))];
  return [...parts, done, ...[subject].flat(), ...earlier, ...by];
}

/** Return the version that each assignment has replaced, by event. */
function holdersBefore(model) {
  const ended = new Map();
  const started = new Map();
  for (const span of model.spans) {
    if (span.end !== null) ended.set(`${span.stage} ${span.end}`, span.holder);
    started.set(`${span.stage} ${span.start}`, span.holder);
  }
  const found = new Map();
  for (const event of model.events) {
    const key = `${event.stage} ${event.time}`;
    const holder = event.version >= 0 ? event.version : -1 - event.commit;
    if (event.kind === "assignment" && ended.has(key) && started.get(key) === holder) {
      found.set(event, ended.get(key));
    }
  }
  return found;
}

/** Return the message of an event: its first line, and the rest collapsed. */
function messageDetails(event) {
  if (!event.message) return null;
  const line = firstLine(event.message);
  if (line === event.message && line.length <= SHORT) return node("div", { class: "muted", dir: "auto" }, line);
  const isWhole = event.message.startsWith(line);
  const rest = isWhole ? event.message.slice(line.length).replace(/^\n+/, "") : event.message;
  return node("details", { class: "fold" },
    node("summary", { class: "muted", dir: "auto" }, line), rest ? messageNode({ ...event, message: rest }) : "");
}

/** Return a section with problems, if any: each is [kind, tag, message, repository if there are several]. */
function problemsSection(problems, total) {
  if (!problems.length) return [];
  const named = problems[0].length > 3;
  const heads = ["Tag", "Kind", "Problem"];
  const made = longTable("Problems", "problems", named ? ["Repository", ...heads] : heads, problems.length, (index) => {
    const [kind, tag, message, repository] = problems[index];
    const cells = [
      ["name", "Tag", mono(tag)],
      ["kind", "Kind", DATA.problem_kinds[kind]],
      ["text", "Problem", node("span", { dir: "auto" }, message)],
    ];
    return tableRow(named ? [["name", "Repository", repository], ...cells] : cells);
  });
  const rest = total - problems.length;
  if (rest > 0) made.push(node("p", { class: "muted" }, `${count(rest, "more problem")} not in this page.`));
  return [section(`Problems (${total.toLocaleString("en")})`, ...made)];
}
