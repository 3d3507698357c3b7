"use strict";
// Links within the page: "#churn", "#churn@v3.1.0", "#churn#prod", and "#?q=..." for a search.

const ADDRESS_DELAY = 400;
let dashboardScroll = 0;
let lastIndex = null;
let timer = null;
let isLoading = false;

/** Return the model and the version of a reference: [index, name or null]; null if it is invalid. */
function find(reference) {
  if (INDICES.has(reference)) return [INDICES.get(reference), null];
  for (const mark of ["@", "#"]) {
    for (let end = reference.lastIndexOf(mark); end > 0; end = reference.lastIndexOf(mark, end - 1)) {
      const index = INDICES.get(reference.slice(0, end));
      const rest = reference.slice(end + (mark === "@" ? 1 : 0));
      if (index !== undefined) return [index, rest];
    }
  }
  return null;
}

function reference() {
  const text = location.hash.slice(1);
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Show the model or the search in the address. */
function route() {
  const text = location.hash.startsWith("#?") ? "" : reference();
  const found = text ? find(text) : null;
  if (found === null) {
    showDashboard(text);
    return;
  }
  if (byId("details").hidden) dashboardScroll = window.scrollY;
  const isOther = lastIndex !== found[0] || byId("details").hidden || isLoading;
  lastIndex = found[0];
  isLoading = !hasArrived(found[0]);
  const heading = isLoading ? showLoading(found[0]) : showDetails(...found);
  if (isOther) {
    heading.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  } else {
    (byId("details").querySelector("select") || heading).focus({ preventScroll: true });
  }
}

function showDashboard(unknown) {
  isLoading = false;
  const wasHidden = byId("dashboard").hidden;
  byId("details").hidden = true;
  byId("details").replaceChildren();
  byId("dashboard").hidden = false;
  document.title = DATA.title;
  byId("notice").hidden = unknown === "";
  byId("notice").textContent = unknown === "" ? "" : `This page has no model ${firstLine(unknown)}.`;
  const wanted = stateOf(location.hash) || state;
  const isShown = byId("heads").firstChild && JSON.stringify(wanted) === JSON.stringify(state);
  if (isShown) rememberState();
  else apply(wanted);
  if (wasHidden && lastIndex !== null) {
    window.scrollTo(0, dashboardScroll);
    const links = [...byId("rows").querySelectorAll("a")];
    const link = links.find((one) => one.getAttribute("href") === linkTo(lastIndex));
    (link || byId("title")).focus({ preventScroll: true });
  }
}

/** Return the search state in an address, or null if it has none. */
function stateOf(hash) {
  if (!hash.startsWith("#?")) return null;
  const found = new URLSearchParams(hash.slice(2));
  const sort = found.get("sort") || "model";
  const stage = found.get("stage") || "";
  const known = columns().map(([id]) => id);
  return {
    search: found.get("q") || "",
    stage: stageNumbers.has(stage) ? stage : "",
    deprecated: found.has("deprecated"),
    sort: known.includes(sort) || (sort.startsWith("#") && stageNumbers.has(sort.slice(1))) ? sort : "model",
    descending: found.has("descending"),
  };
}

/** Store search, filters and order in the address after a short delay, so that it can be shared. */
function rememberState() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (byId("dashboard").hidden) return;
    const found = new URLSearchParams();
    if (state.search) found.set("q", state.search);
    if (state.stage) found.set("stage", state.stage);
    if (state.deprecated) found.set("deprecated", "1");
    if (state.sort !== "model") found.set("sort", state.sort);
    if (state.descending) found.set("descending", "1");
    const query = found.toString();
    const hash = query && `#?${query}`;
    if (hash !== location.hash && (hash || location.hash.startsWith("#?"))) {
      replaceAddress(location.href.split("#", 1)[0] + hash);
    }
  }, ADDRESS_DELAY);
}

function replaceAddress(address) {
  try {
    history.replaceState(null, "", address);
  } catch {
    // A frame in another page may not be allowed to change its address, which is not essential.
  }
}

/** Follow a link within the page, also in a frame whose links are relative to the page around it. */
function follow(event) {
  const link = event.target.closest("a[href^='#']");
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !isPlain || document.baseURI.split("#", 1)[0] === location.href.split("#", 1)[0]) return;
  event.preventDefault();
  location.hash = link.getAttribute("href");
}

window.addEventListener("hashchange", route);
document.addEventListener("click", follow);
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea");
  if (event.key === "/" && !isTyping && !byId("dashboard").hidden && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    byId("search").focus();
  }
});
window.addEventListener("beforeprint", () => {
  if (!byId("dashboard").hidden) appendRows(SIZE);
  for (const table of document.querySelectorAll("main:not([hidden]) table")) table.dispatchEvent(new Event("print"));
  for (const rest of document.querySelectorAll("main:not([hidden]) .rest")) rest.click();
  for (const details of document.querySelectorAll("main:not([hidden]) details")) details.open = true;
});

start();
// The data of the models follows this script, so the dashboard does not wait for it.
document.addEventListener("DOMContentLoaded", () => {
  if (isLoading) route();
});
route();
