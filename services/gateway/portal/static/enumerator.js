// Stores an enumerator's answers on the phone until the hub has them. Each response gets its id
// here, so that a repeated submission counts once.
"use strict";

const page = document.getElementById("enumerator");
const entry = page.querySelector("form");
const show = (id, value) => (document.getElementById(id).textContent = value);
const reveal = (id, shown) => (document.getElementById(id).hidden = !shown);

function database() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("emall-surveys", 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("responses", { keyPath: "body.id" });
      opening.result.createObjectStore("counts");
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

// Runs one transaction; resolves when the browser has committed it.
async function inStores(mode, work) {
  const opened = await database();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = opened.transaction(["responses", "counts"], mode, {
        durability: "strict",
      });
      let result;
      transaction.oncomplete = () => resolve(result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
      work(transaction.objectStore("responses"), transaction.objectStore("counts"), (value) => {
        result = value;
      });
    });
  } finally {
    opened.close();
  }
}

// The last day that the hub told: by the page, or by the date of a response. A clock that fell back
// says an earlier one, on which no interview can have taken place.
const dayOf = (moment) => moment.toLocaleDateString("sv-SE", { timeZone: page.dataset.zone });
let hubDay = page.dataset.today;

function hear(date) {
  return inStores("readwrite", (responses, counts) => {
    counts.get("hub-day").onsuccess = (event) => {
      const days = [hubDay, event.target.result || "", date ? dayOf(new Date(date)) : ""];
      hubDay = days.sort().at(-1);
      counts.put(hubDay, "hub-day");
    };
  });
}

const all = () =>
  inStores("readonly", (responses, counts, answer) => {
    responses.getAll().onsuccess = (event) => answer(event.target.result);
  });

async function refresh() {
  const kept = await all();
  const refused = kept.filter((item) => item.refused);
  const sent = await inStores("readonly", (responses, counts, answer) => {
    counts.get("sent").onsuccess = (event) => answer(event.target.result || 0);
  });
  show("waiting", kept.length - refused.length);
  show("sent", sent);
  show("refused", refused.length);
  show("refused-why", refused.length ? refused[0].refused : "");
  reveal("refused-part", refused.length > 0);
  reveal("refused-day-part", refused.some(hasWrongDay));
  reveal("clock", dayOf(new Date()) < hubDay);
  show("clock-day", hubDay);
  reveal("offline", !navigator.onLine);
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function isAnswered(input) {
  if (["radio", "checkbox"].includes(input.type)) return input.checked;
  return input.value !== "" && input.validity.valid;
}

function answerOf(field) {
  const type = field.dataset.answerType;
  const values = [...field.querySelectorAll("input")].filter(isAnswered).map((input) => input.value);
  if (!values.length) return null;
  if (type === "array") return values;
  return type === "integer" ? Number(values[0]) : values[0];
}

function collect() {
  const answers = {};
  let complete = true;
  for (const field of entry.querySelectorAll(".question")) {
    const code = field.dataset.code;
    const answer = field.hidden ? null : answerOf(field);
    const missing = answer === null && !field.hidden && field.dataset.required === "1";
    reveal(`e-${code}`, missing);
    field.setAttribute("aria-invalid", String(missing));
    if (answer !== null) answers[code] = answer;
    complete = complete && !missing;
  }
  return complete ? answers : null;
}

const hasWrongDay = (item) => Boolean(item.refused) && item.refused.startsWith("#/answered_on");

function today() {
  const day = dayOf(new Date());
  return day < hubDay ? hubDay : day;
}

async function keep(event) {
  event.preventDefault();
  const answers = collect();
  reveal("incomplete", answers === null);
  reveal("stored", false);
  if (answers === null) {
    entry.querySelector("[aria-invalid=true]").scrollIntoView({ block: "center" });
    return;
  }
  const body = {
    id: newId(),
    answered_on: today(),
    version: Number(page.dataset.version),
    mode: "enumerator",
    answers,
  };
  const setting = {};
  for (const name of ["service", "channel", "district"]) {
    const value = entry.elements[`about.${name}`].value.trim();
    setting[name] = value;
    if (value) body[name] = value;
  }
  const button = entry.querySelector(".send");
  button.disabled = true;
  try {
    await inStores("readwrite", (responses) =>
      responses.add({ body, address: page.dataset.address }),
    );
  } finally {
    button.disabled = false;
  }
  entry.reset();
  for (const name of Object.keys(setting)) entry.elements[`about.${name}`].value = setting[name];
  // The place of work is chosen once a day; the next respondent starts at the first question.
  entry.querySelector(".setting").open = false;
  reveal("stored", true);
  page.scrollIntoView();
  await refresh();
  deliver();
}

// An earlier page stored the address of the API, which takes no answers without a key any more.
const addressOf = (item) =>
  item.address.replace(/^\/api\/v1\/surveys\/([a-z0-9-]+)\/responses$/, "/survei/$1/petugas");

// The result of a submission: stored, rejected until retried by hand, or to be retried later.
async function send(item) {
  let answer;
  try {
    answer = await fetch(addressOf(item), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(item.body),
    });
  } catch {
    return { later: true };
  }
  await hear(answer.headers.get("Date"));
  reveal("unregistered", answer.status === 401);
  if (answer.ok) return { stored: true };
  if (![400, 403, 404, 409, 413, 422].includes(answer.status)) return { later: true };
  const problem = await answer.json().catch(() => ({}));
  const first = (problem.errors || [])[0] || {};
  return { refused: `${first.pointer || ""} ${first.detail || problem.detail || answer.status}` };
}

async function deliverAll() {
  for (const item of (await all()).filter((each) => !each.refused)) {
    const fate = await send(item);
    if (fate.later) return;
    await inStores("readwrite", (responses, counts) => {
      if (fate.refused) {
        responses.put({ ...item, refused: fate.refused });
        return;
      }
      responses.delete(item.body.id);
      counts.get("sent").onsuccess = (event) => {
        counts.put((event.target.result || 0) + 1, "sent");
      };
    });
    await refresh();
  }
}

// Only one submission at a time, even if the page is open twice.
let delivering = false;
async function deliver() {
  if (delivering) return;
  delivering = true;
  try {
    if (navigator.locks) {
      await navigator.locks.request("emall-surveys", { ifAvailable: true }, async (lock) => {
        if (lock) await deliverAll();
      });
    } else {
      await deliverAll();
    }
  } finally {
    delivering = false;
    await refresh();
  }
}

async function prepareOffline() {
  if (!("serviceWorker" in navigator)) return;
  const parts = document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src], img");
  const addresses = [...parts].map((part) => part.href || part.src);
  const cache = await caches.open("emall-enumerator");
  await cache.addAll([...new Set([location.href.split("#")[0], ...addresses])]);
  await navigator.serviceWorker.register("/survei/worker.js", { scope: location.pathname });
  await navigator.serviceWorker.ready;
  if (navigator.storage && navigator.storage.persist) await navigator.storage.persist();
  reveal("ready", true);
}

// A rejection may have become obsolete: the clock was corrected, the service is known again. A day
// that the hub did not accept is asked of the enumerator; today unless another is chosen.
async function tryAgain() {
  const day = document.getElementById("refused-day").value || today();
  await inStores("readwrite", (responses) => {
    responses.openCursor().onsuccess = (event) => {
      const cursor = event.target.result;
      if (!cursor) return;
      const { refused, ...item } = cursor.value;
      if (refused) {
        if (hasWrongDay(cursor.value)) item.body.answered_on = day;
        cursor.update(item);
      }
      cursor.continue();
    };
  });
  await refresh();
  await deliver();
}

function offerToTryAgain() {
  const button = document.createElement("button");
  button.type = "button";
  button.id = "retry";
  button.className = "small";
  button.textContent = document.documentElement.lang === "en" ? "Try again" : "Coba lagi";
  button.addEventListener("click", tryAgain);
  document.getElementById("discard").before(button, " ");
}

offerToTryAgain();
entry.addEventListener("submit", keep);
document.getElementById("sync").addEventListener("click", deliver);
document.getElementById("discard").addEventListener("click", async () => {
  await inStores("readwrite", (responses) => {
    responses.openCursor().onsuccess = (event) => {
      const cursor = event.target.result;
      if (!cursor) return;
      if (cursor.value.refused) cursor.delete();
      cursor.continue();
    };
  });
  await refresh();
});
addEventListener("online", deliver);
addEventListener("offline", refresh);
setInterval(deliver, 30000);
hear("").then(refresh).then(deliver);
// Offline, the assets cached before are used.
prepareOffline().catch(() => {
  if (navigator.serviceWorker && navigator.serviceWorker.controller) reveal("ready", true);
});
