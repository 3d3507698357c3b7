"use strict";
// The data of the page. A list of equal numbers is stored as one number.

const DATA = JSON.parse(byId("data").textContent);
const MODELS = DATA.models;
const IS_CATALOG = DATA.is_catalog;
const SIZE = MODELS.names.length;
const KINDS = ["registration", "deregistration", "assignment", "unassignment", "deprecation"];

function at(column, index) {
  return Array.isArray(column) ? column[index] : column;
}

// The references of the models, as in links: "churn" or "repository/churn"; and their indices.
const KEYS = [];
const INDICES = new Map();
MODELS.names.forEach((name, index) => {
  KEYS.push(IS_CATALOG ? `${repositoryOf(index).name}/${name}` : name);
  const other = INDICES.get(KEYS[index]);
  if (other === undefined) {
    INDICES.set(KEYS[index], index);
    return;
  }
  // "a/b/c" is the model "c" of the repository "a/b", as in Catalog.resolve(), and not "b/c" of "a".
  const [first, second] = MODELS.names[other].length < name.length ? [other, index] : [index, other];
  INDICES.set(KEYS[index], first);
  KEYS[second] = `${repositoryOf(second).name}//${MODELS.names[second]}`;
  INDICES.set(KEYS[second], second);
});

function repositoryOf(index) {
  return DATA.repositories[at(MODELS.repositories, index)];
}

/** Return the link to a model, or to one of its versions. */
function linkTo(index, version = null) {
  return `#${encodeURI(KEYS[index])}${version === null ? "" : `@${encodeURI(version)}`}`;
}

/** Return the holders of a model's stages: pairs of a stage and the name of a version. */
function holdersOf(index) {
  const pairs = [];
  const flat = MODELS.holders[index];
  for (let at = 0; at < flat.length; at += 2) pairs.push([flat[at], flat[at + 1]]);
  return pairs;
}

/** Return a version's name, or the abbreviated SHA of a commit without a version. */
function shortName(name) {
  return name.startsWith("v") ? name : name.slice(0, 7);
}

function authorText(number) {
  if (number < 0) return NONE;
  const [name, email] = DATA.authors[number];
  return name || email || NONE;
}

function authorNode(number) {
  if (number < 0) return node("span", { class: "muted" }, NONE);
  const [name, email] = DATA.authors[number];
  return node("span", { class: "author", title: `${name} <${email}>` }, authorText(number));
}

function pill(stage) {
  const [name, hue] = DATA.stages[stage];
  return node("span", { class: `pill hue${hue}` }, name);
}

/** Return whether the data of a model is loaded: then the data of the next model has begun. */
function hasArrived(index) {
  const { length } = document.getElementsByClassName("model-data");
  return length > index + 1 || (document.readyState !== "loading" && length === SIZE);
}

/** Return the location of the models and the time at which they were read. */
function readNote(repository) {
  const { home, location: where, until } = repository;
  return [home === null ? where : linked(home.replace(/^\w+:\/\//, ""), home),
    until ? `, as of ${exactText(...until)}` : "", readTime()];
}

function readTime() {
  return ` \u00b7 read ${dateText(DATA.now, 0)}, ${exactText(DATA.now, 0).slice(11, 16)} UTC`;
}

/** Return the data of a model: versions, events, spans and problems. */
function readModel(index) {
  const raw = JSON.parse(document.getElementsByClassName("model-data")[index].textContent);
  const repository = repositoryOf(index);
  const width = raw.width;
  const model = {
    index,
    name: MODELS.names[index],
    repository,
    deprecated: MODELS.deprecated.includes(index),
    versions: [],
    names: raw.names,
    problems: raw.problems,
    problemCount: raw.problem_count,
    spans: [],
    commit: (number) => raw.commits.slice(number * width, (number + 1) * width),
  };
  model.events = readEvents(raw, model);
  const first = model.events[0].time;
  for (let start = 0; start < raw.spans.length; start += 4) {
    const [stage, holder, from, to] = raw.spans.slice(start, start + 4);
    model.spans.push({ stage, holder, start: first + from, end: to < 0 ? null : first + to });
  }
  readVersions(raw, model);
  return model;
}

function readEvents(raw, model) {
  const events = [];
  let time = 0;
  for (let index = 0; index < raw.kinds.length; index++) {
    time += at(raw.times, index);
    const message = at(raw.message_of, index);
    const event = {
      index,
      kind: KINDS[Number(raw.kinds[index])],
      version: at(raw.version_of, index),
      stage: at(raw.stage_of, index),
      commit: at(raw.commit_of, index),
      time,
      offset: at(raw.offsets, index),
      author: at(raw.author_of, index),
      message: message < 0 ? null : raw.messages[message],
      length: message < 0 ? 0 : raw.lengths[message] || 0,
    };
    event.tag = raw.tags[index] || tagOf(event, at(raw.counters, index), model);
    events.push(event);
  }
  return events;
}

/** Return the name of an event's tag. */
function tagOf(event, counter, model) {
  const name = model.name.replaceAll(":", "=");
  const end = counter < 0 ? "" : `#${counter}`;
  if (event.kind === "deprecation") return `${name}@deprecated${end}`;
  const cancel = event.kind === "deregistration" || event.kind === "unassignment" ? "!" : "";
  const about = event.kind.endsWith("registration")
    ? `@${model.names[event.version]}` : `#${DATA.stages[event.stage][0]}`;
  return `${name}${about}${cancel}${end}`;
}

function readVersions(raw, model) {
  const inactive = new Set(raw.inactive);
  raw.origins.forEach((origin, number) => model.versions.push({
    number,
    name: model.names[number],
    active: !inactive.has(number),
    origin: model.events[origin],
    stages: [],
  }));
  model.holders = [];
  for (let start = 0; start < raw.holders.length; start += 2) {
    const [stage, holder] = raw.holders.slice(start, start + 2);
    model.holders.push({ stage, holder });
    if (holder >= 0) model.versions[holder].stages.push(stage);
  }
  model.latest = model.versions.find((version) => version.active) || null;
}

/** Return the name of a version, or for a number below 0 the short SHA of a bare commit. */
function holderName(model, holder) {
  return holder >= 0 ? model.names[holder] : model.commit(-1 - holder).slice(0, 7);
}

/** Return the URL of a commit's page, or null. */
function commitUrl(model, commit) {
  const { commit_form: form, commits } = model.repository;
  if (commits && commit in commits) return commits[commit];
  return form && form.replaceAll("{commit}", commit);
}

/** Return the URL of a tag's page, or null. */
function tagUrl(model, tag) {
  const form = model.repository.tag_form;
  return form && form + encodeURIComponent(tag).replaceAll("%2F", "/");
}
