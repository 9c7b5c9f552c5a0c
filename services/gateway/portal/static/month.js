// Stores what is typed into a month on the phone until the hub has it, and sends it once.
"use strict";

const month = document.getElementById("month");
const form = document.querySelector("form.month");
const saved = JSON.parse(month.dataset.saved);
const key = month.dataset.key;
const NOTICES = ["stored", "restored", "waiting", "sending", "signed-out", "different"];

function database() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("emall-months", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("entries", { keyPath: "key" });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

// Runs one transaction; resolves when the browser has written it to the disk.
async function inEntries(mode, work) {
  const opened = await database();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = opened.transaction("entries", mode, { durability: "strict" });
      let result;
      transaction.oncomplete = () => resolve(result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
      work(transaction.objectStore("entries"), (value) => {
        result = value;
      });
    });
  } finally {
    opened.close();
  }
}

const store = (entry) => inEntries("readwrite", (entries) => entries.put(entry));
const forget = () => inEntries("readwrite", (entries) => entries.delete(key));
const storedEntry = () =>
  inEntries("readonly", (entries, answer) => {
    entries.get(key).onsuccess = (event) => answer(event.target.result);
  });

// Shows one sentence, or none, and scrolls to one that answers an act. The button discards what is
// stored here.
function say(name) {
  for (const each of NOTICES) document.getElementById(`month-${each}`).hidden = each !== name;
  month.hidden = !name;
  if (["waiting", "signed-out"].includes(name)) month.scrollIntoView({ block: "center" });
}

const isFigure = (name) => name.includes(".");

function typed() {
  const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (isFigure(name) || name === "alasan") fields[name] = value.trim();
  }
  return fields;
}

// Compares as counts: 1.500 and 1500 are one. What is no count is like nothing that is saved.
function isSaved(fields, figures) {
  const names = new Set([...Object.keys(fields).filter(isFigure), ...Object.keys(figures)]);
  return [...names].every((name) => {
    const digits = (fields[name] || "").replace(/[.\s]/g, "");
    return digits === (name in figures ? String(figures[name]) : "");
  });
}

// The page as the hub has it now; undefined if it cannot be reached, null if nobody is signed in.
async function pageNow() {
  let answer;
  try {
    answer = await fetch(location.href, { cache: "no-store" });
  } catch {
    return undefined;
  }
  if (answer.redirected) return null;
  if (!answer.ok) return undefined;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById("month");
  if (!found || found.dataset.key !== key) return null;
  return {
    saved: JSON.parse(found.dataset.saved),
    state: found.dataset.state,
    revision: found.dataset.revision,
    token: page.querySelector("input[name=kata]").value,
    open: Boolean(page.querySelector("form.month")),
  };
}

const isDone = (entry, now) =>
  isSaved(entry.fields, now.saved) && (entry.act !== "ajukan" || now.state !== "draft");

function submitWithoutScript(act) {
  if (act === "ajukan") {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "ajukan", value: "1" });
    form.append(field);
  }
  HTMLFormElement.prototype.submit.call(form);
}

// Lets the browser send the form, so that the hub's page about what is wrong is shown.
async function showRefusal(entry, now) {
  await store({ ...entry, act: null });
  form.elements.kata.value = now.token;
  form.elements.versi.value = entry.revision;
  submitWithoutScript(entry.act);
}

async function send(entry) {
  const now = await pageNow();
  if (!now) return say(now === null ? "signed-out" : "waiting");
  // The answer to an earlier attempt was lost on its way.
  if (isDone(entry, now)) {
    await forget();
    return location.reload();
  }
  if (!now.open) return location.reload();
  if (isSaved(entry.fields, now.saved)) entry.revision = now.revision;
  const body = new URLSearchParams({ ...entry.fields, kata: now.token, versi: entry.revision });
  if (entry.act === "ajukan") body.set("ajukan", "1");
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body });
  } catch {
    return say("waiting");
  }
  if (answer.status >= 500 || answer.status === 429) return say("waiting");
  if (!answer.ok) return showRefusal(entry, now);
  await forget();
  location.replace(answer.url);
}

// One attempt at a time, also if the month is open twice.
let sending = false;
async function deliver() {
  if (sending) return;
  sending = true;
  try {
    const attempt = async () => {
      const entry = await storedEntry();
      if (!entry || !entry.act) return;
      say("sending");
      await send(entry);
    };
    if (navigator.locks) {
      await navigator.locks.request(key, { ifAvailable: true }, (lock) => lock && attempt());
    } else {
      await attempt();
    }
  } finally {
    sending = false;
  }
}

// Each change is written before the next one, so that the last one wins.
let writing = Promise.resolve();
let revision = form ? form.elements.versi.value : month.dataset.revision;
function keep(act) {
  const entry = { key, fields: typed(), revision, act };
  const written = writing.then(() => store(entry));
  writing = written.catch(() => {});
  return written;
}

const onInput = () => keep(null).then(
  () => say("stored"),
  () => {},
);

async function onSubmit(event) {
  event.preventDefault();
  const act = event.submitter && event.submitter.name === "ajukan" ? "ajukan" : "simpan";
  try {
    await keep(act);
  } catch {
    // A browser that stores nothing, such as in a private window.
    return submitWithoutScript(act);
  }
  await deliver();
}

async function restore() {
  const entry = await storedEntry();
  if (!entry) return;
  const now = { saved, state: month.dataset.state };
  if (isDone(entry, now) && !("refused" in month.dataset)) return forget();
  if (!form) return say("different");
  for (const [name, value] of Object.entries(entry.fields)) {
    const field = form.elements[name];
    if (field) field.value = value;
  }
  // A page about what is wrong shows what others saved meanwhile: what is sent next follows it.
  if (!("refused" in month.dataset)) revision = entry.revision;
  say("restored");
  await deliver();
}

async function prepareOffline() {
  if (!("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register("/kelola/laporan/worker.js", { scope: "/kelola/laporan" });
  await navigator.serviceWorker.ready;
  const parts = document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src], img");
  const cache = await caches.open(MONTH_PAGES);
  await cache.addAll([...new Set([...parts].map((part) => part.href || part.src))]);
  // The page that a form was answered with has the month's address but not its content.
  const page = await fetch(location.href);
  if (page.ok && !page.redirected) await cache.put(location.href, page);
  if (navigator.storage && navigator.storage.persist) await navigator.storage.persist();
  month.dataset.ready = "";
}

document.getElementById("month-discard").addEventListener("click", async () => {
  await forget();
  location.reload();
});
if (form) {
  form.addEventListener("input", onInput);
  form.addEventListener("submit", onSubmit);
}
addEventListener("online", deliver);
setInterval(deliver, 30000);
restore();
// Without a network the month opens as it was stored before.
prepareOffline().catch(() => {});
