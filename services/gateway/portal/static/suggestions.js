// Suggests services, agencies and places while somebody types in the search box: a combobox with a
// list (ARIA Authoring Practices). Without this script the form searches as ever.
"use strict";

const PAGES = { service: "/layanan/", agency: "/instansi/", place: "/tempat/" };
const SHORTEST = 2;
const PAUSE = 200; // milliseconds without a key before the hub is asked
const MOST_REMEMBERED = 50;

const form = document.querySelector(".search");
const input = form.querySelector("[type=search]");
const language = form.querySelector("[name=lang]")?.value;
const list = document.createElement("ul");
const status = document.createElement("p");
const remembered = new Map();
let timer, request;
let chosen = -1;

list.id = "saran";
list.className = "suggestions";
list.hidden = true;
list.setAttribute("role", "listbox");
list.setAttribute("aria-label", form.dataset.suggestions);
status.className = "unseen";
status.setAttribute("role", "status");
form.append(list, status);
input.setAttribute("role", "combobox");
input.setAttribute("aria-autocomplete", "list");
input.setAttribute("aria-controls", list.id);
input.setAttribute("aria-expanded", "false");

function close() {
  clearTimeout(timer);
  request?.abort();
  list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  choose(-1);
}

function choose(place) {
  chosen = place;
  [...list.children].forEach((option, at) => {
    option.setAttribute("aria-selected", String(at === place));
  });
  const option = list.children[place];
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

function show(items) {
  list.replaceChildren(
    ...items.map((item, at) => {
      const option = document.createElement("li");
      option.id = `saran-${at}`;
      option.setAttribute("role", "option");
      option.dataset.page = PAGES[item.kind] + item.slug + (language ? `?lang=${language}` : "");
      option.textContent = language === "en" ? item.name_en : item.name;
      return option;
    }),
  );
  choose(-1);
  list.hidden = items.length === 0;
  input.setAttribute("aria-expanded", String(items.length > 0));
  status.textContent = `${items.length} ${form.dataset.found}`;
}

async function ask(words) {
  request?.abort();
  request = new AbortController();
  const { signal } = request;
  try {
    if (!remembered.has(words)) {
      const query = new URLSearchParams({ query: words });
      const answer = await fetch(`/api/v1/catalog/suggestions?${query}`, { signal });
      if (!answer.ok) return;
      const { items } = await answer.json();
      if (remembered.size >= MOST_REMEMBERED) remembered.delete(remembered.keys().next().value);
      remembered.set(words, items);
    }
  } catch {
    return; // no network, or a later request took its place
  }
  if (!signal.aborted && document.activeElement === input) show(remembered.get(words));
}

function askSoon() {
  clearTimeout(timer);
  request?.abort();
  const words = input.value.trim().replace(/\s+/g, " ").toLowerCase();
  if (words.length < SHORTEST) close();
  else timer = setTimeout(ask, remembered.has(words) ? 0 : PAUSE, words);
}

if (!navigator.connection?.saveData) {
  input.addEventListener("input", askSoon);
  input.addEventListener("keydown", (event) => {
    const { key } = event;
    const count = list.children.length;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) askSoon();
      else if (key === "ArrowDown") choose(chosen + 1 < count ? chosen + 1 : -1);
      else choose(chosen < 0 ? count - 1 : chosen - 1);
    } else if (key === "Enter" && chosen >= 0) {
      event.preventDefault();
      location.assign(list.children[chosen].dataset.page);
    } else if (key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  input.addEventListener("blur", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) location.assign(option.dataset.page);
  });
}
form.addEventListener("submit", close);
