// Service worker of the portal. With a network every page comes from the hub; without one, from the
// catalogue that this phone stored. Forms that are sent without a network wait here.
"use strict";

const CACHE = "emall-offline";
const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
const PATIENCE = 8000;
const READING = 3500; // ms that a person needs for a form at least: an earlier one is held by the hub
const KEPT_TICKETS = 30 * DAY;
const FORMS = ["/aduan", "/survei/skm"];
const LANGUAGES = ["id", "en", "bbc"];
const PAGES = /^\/($|cari$|layanan(\/[a-z0-9-]+)?$|peristiwa(\/[a-z0-9-]+)?$|s\/|aduan$|survei\/[a-z0-9-]+$|luring$)/;
const NOT_STORED = /^\/(dasbor|status|pengumuman|instansi|tempat|tentang|kontak|bantuan|privasi|aksesibilitas)(\/|$)/;
const FORM = /^\/(aduan|survei\/[a-z0-9-]+)$/;
const FILES = /(?:stylesheet" href|icon" href|src)="(\/[^"]+)"/g; // that pages name
const IS_FILE = /^\/static\/|\.css$|^\/lambang$/;
const NOT_A_FORM = ["/survei/perangkat"];

// --- What is stored -----------------------------------------------------------------------------

function database() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("emall-offline", 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("catalogs");
      opening.result.createObjectStore("outbox", { keyPath: "id" });
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
}

// Runs one request in a transaction; resolves when the browser has written it to the disk.
async function inStore(name, mode, work) {
  const opened = await database();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = opened.transaction(name, mode, { durability: "strict" });
      const request = work(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    opened.close();
  }
}

const read = (language) => inStore("catalogs", "readonly", (store) => store.get(language));
const write = (language, value) => inStore("catalogs", "readwrite", (store) => store.put(value, language));
const entries = () => inStore("outbox", "readonly", (store) => store.getAll());
const put = (entry) => inStore("outbox", "readwrite", (store) => store.put(entry));

function languageOf(url) {
  const asked = url.searchParams.get("lang");
  return LANGUAGES.includes(asked) ? asked : "id";
}

const inLanguage = (path, language) => (language === "id" ? path : `${path}?lang=${language}`);

// --- Refreshing ---------------------------------------------------------------------------------

// Stores pages with the files that they name; files that no page names any more are removed.
async function storePages(language) {
  const cache = await caches.open(CACHE);
  for (const path of ["/luring", ...FORMS].map((each) => inLanguage(each, language))) {
    const page = await fetch(path, { cache: "no-store" });
    if (!page.ok || page.redirected) continue;
    const text = await page.clone().text();
    for (const [, file] of text.matchAll(FILES)) {
      // Only the arms have an address that stays when they change.
      const changes = !file.includes("?v=");
      if (changes) await cache.add(new Request(file, { cache: "reload" }));
      else if (!(await cache.match(file))) await cache.add(file);
    }
    await cache.put(path, page);
  }
  const stored = await cache.keys();
  const isFile = (each) => IS_FILE.test(new URL(each.url).pathname);
  const pages = stored.filter((each) => !isFile(each));
  const texts = await Promise.all(pages.map(async (each) => (await cache.match(each)).text()));
  for (const file of stored.filter(isFile)) {
    const { pathname, search } = new URL(file.url);
    if (!texts.some((text) => text.includes(`"${pathname}${search}"`))) await cache.delete(file);
  }
}

// Asks for the catalogue once an hour at most, whether the last attempt succeeded or not.
async function refresh(language, now) {
  const stored = (await read(language)) || {};
  const isNew = stored.version !== VERSION;
  if (!now && !isNew && Date.now() - stored.tried < HOUR) return;
  await write(language, { ...stored, version: VERSION, tried: Date.now() });
  await storePages(language);
  const headers = stored.etag ? { "If-None-Match": stored.etag } : {};
  const answer = await fetch(`/api/v1/offline-catalog?lang=${language}`, { headers });
  const at = { version: VERSION, tried: Date.now(), checked: Date.now() };
  if (answer.status === 304) await write(language, { ...stored, ...at });
  if (!answer.ok) return;
  const text = await answer.text();
  await write(`${language} text`, text);
  await write(language, { ...at, etag: answer.headers.get("ETag") });
  search = undefined;
}

// --- Answering ----------------------------------------------------------------------------------

let search;

async function storedPages(url) {
  const language = languageOf(url);
  const cache = await caches.open(CACHE);
  for (const one of [language, ...LANGUAGES]) {
    const [stored, text] = [await read(one), await read(`${one} text`)];
    const shell = await cache.match(inLanguage("/luring", one));
    if (!stored || !text || !shell) continue;
    const pages = new OfflinePages(JSON.parse(text), await shell.text(), stored.checked, url);
    return { pages, headers: shell.headers };
  }
  return undefined;
}

const asPage = (text, { headers }) =>
  new Response(text, {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": headers.get("Content-Security-Policy"),
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "same-origin",
    },
  });

// A stored form gets an id of its own, by which it counts once however often it is sent.
async function storedForm(url, words) {
  const stored = await (await caches.open(CACHE)).match(inLanguage(url.pathname, languageOf(url)));
  if (!stored) return undefined;
  const service = url.searchParams.get("service") || "";
  const known = /^[a-z0-9-]+$/.test(service) ? service : "";
  const text = (await stored.text())
    .replace(/(name="id" value=")[^"]*/, `$1${crypto.randomUUID()}`)
    .replace(/(name="form_token" value=")[^"]*/, "$1")
    .replace(`<option value="${known}"`, `<option value="${known}" selected`)
    .replace(/(<form method="post" action=")[^"]*/, `$1${url.pathname}${safe(url.search)}`)
    .replace(/(<main[^>]*>)/, `$1<p class="notice" id="form-offline">${safe(words.form)}</p>`);
  return asPage(text, stored);
}

async function offlineAnswer(url) {
  const stored = await storedPages(url);
  if (!stored) return undefined;
  const { pages } = stored;
  const [, first, rest] = url.pathname.split("/");
  if (first === "luring") return asPage(pages.shell, stored);
  if (first === "s") {
    const target = pages.catalog.posters[rest.toLowerCase()];
    return target ? Response.redirect(target, 302) : asPage(pages.absent(), stored);
  }
  if (first === "aduan" || first === "survei") {
    return (await storedForm(url, pages.words)) || asPage(pages.absent(), stored);
  }
  if (first === "cari") {
    const query = url.searchParams.get("q") || "";
    search = search || new OfflineSearch(pages.catalog.search);
    return asPage(pages.results(query, search.search(query)), stored);
  }
  if (first === "layanan") {
    return asPage(rest ? pages.service(rest, url.searchParams.get("case")) : pages.all(), stored);
  }
  if (first === "peristiwa" && rest) return asPage(pages.event(rest), stored);
  return asPage(pages.home(), stored);
}

async function answerPage(request, url) {
  const network = fetch(request);
  network.catch(() => {});
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  try {
    const answer = await Promise.race([network, late]);
    if (answer && answer.status < 500) return answer;
  } catch {
    // No network: answer with what is stored.
  }
  return (await offlineAnswer(url).catch(() => undefined)) || network;
}

// Says without a network that a page needs one, where the browser would show an error of its own.
async function answerOnline(request, url) {
  try {
    return await fetch(request);
  } catch (error) {
    const stored = await storedPages(url).catch(() => undefined);
    if (!stored) throw error;
    return asPage(stored.pages.absent(), stored);
  }
}

async function answerFile(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const stored = await (await caches.open(CACHE)).match(request, { ignoreVary: true });
    if (stored) return stored;
    throw error;
  }
}

// --- Forms that wait ----------------------------------------------------------------------------

const isLost = (answer) => answer.status === 502 || answer.status === 504;

async function answerForm(request, url) {
  const copy = request.clone();
  let answer;
  try {
    answer = await fetch(request);
    if (!isLost(answer)) return answer;
  } catch {
    // The form may have arrived and its answer been lost; its id makes it count once.
  }
  const stored = await storedPages(url);
  if (!stored) return answer || Response.error();
  const data = await copy.formData();
  const fields = [...data].filter(([, value]) => typeof value === "string" || value.size);
  await put({
    id: data.get("id") || crypto.randomUUID(),
    address: url.pathname + url.search,
    isFile: url.pathname === "/aduan",
    at: Date.now(),
    state: "waiting",
    fields,
  });
  if (self.registration.sync) await self.registration.sync.register("outbox").catch(() => {});
  return Response.redirect(inLanguage("/luring", languageOf(url)), 303);
}

async function freshToken(entry) {
  const path = new URL(entry.address, location.href).pathname;
  const address = entry.isFile ? "/api/v1/comments/form" : `/api/v1/surveys/${path.split("/")[2]}/form`;
  const answer = await fetch(address, { cache: "no-store" });
  return answer.ok ? (await answer.json()).form_token : undefined;
}

function bodyOf(entry, token) {
  const body = entry.isFile ? new FormData() : new URLSearchParams();
  for (const [name, value] of entry.fields) if (name !== "form_token") body.append(name, value);
  body.append("form_token", token);
  // Nobody can be asked now: personal data in the text is covered, as the page says.
  if (entry.isFile && !body.has("personal_data")) body.append("personal_data", "mask");
  return body;
}

// What is sent is forgotten but for the ticket, with which its answer can be read.
async function send(entry) {
  const token = await freshToken(entry);
  if (!token) return false;
  await new Promise((resolve) => setTimeout(resolve, READING));
  const answer = await fetch(entry.address, { method: "POST", body: bodyOf(entry, token) });
  if (answer.ok && answer.redirected) {
    const ticket = new URL(answer.url).pathname.match(/^\/aduan\/([0-9A-Z-]+)$/);
    const secret = ticket && (await answer.text()).match(/[?&;]kunci=([A-Za-z0-9_-]+)/);
    const { id, address, isFile, at } = entry;
    const known = { ticket: ticket && ticket[1], secret: secret && secret[1] };
    await put({ id, address, isFile, at, state: "sent", sent: Date.now(), ...known });
    return true;
  }
  if (answer.status >= 500 || answer.status === 429) return false;
  await put({ ...entry, state: "refused" });
  return true;
}

async function deliverAll() {
  for (const entry of await entries()) {
    if (entry.state === "sent" && Date.now() - entry.sent > KEPT_TICKETS) {
      await inStore("outbox", "readwrite", (store) => store.delete(entry.id));
    }
    if (entry.state === "waiting" && !(await send(entry))) return;
    if (entry.state === "waiting") await tellPages();
  }
}

// One attempt at a time, however many pages ask for it.
const deliver = () =>
  navigator.locks.request("emall-outbox", { ifAvailable: true }, (lock) => lock && deliverAll());

// --- Pages that ask -----------------------------------------------------------------------------

async function stateOf(language) {
  const stored = await read(language);
  const waiting = await entries();
  return {
    age: stored && stored.checked ? ago(stored.checked, language) : "",
    entries: waiting.map(({ fields, ...entry }) => ({
      ...entry,
      text: entry.state === "refused" ? (fields.find(([name]) => name === "text") || [])[1] : null,
    })),
  };
}

async function tellPages() {
  for (const page of await self.clients.matchAll()) page.postMessage("changed");
}

async function clear() {
  await caches.delete(CACHE);
  for (const name of ["catalogs", "outbox"]) {
    await inStore(name, "readwrite", (store) => store.clear());
  }
  search = undefined;
}

async function act({ act: name, language, now, id }) {
  if (name === "refresh") await refresh(language, now);
  if (name === "deliver") await deliver();
  if (name === "forget") await inStore("outbox", "readwrite", (store) => store.delete(id));
  if (name === "clear") await clear();
  return stateOf(language);
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("sync", (event) => event.waitUntil(deliver()));
self.addEventListener("message", (event) => {
  const [answer] = event.ports;
  event.waitUntil(
    act(event.data).then(
      (state) => answer.postMessage(state),
      () => answer.postMessage(null),
    ),
  );
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin || url.searchParams.get("mode") === "kiosk") return;
  const opens = request.mode === "navigate" && !NOT_A_FORM.includes(url.pathname);
  if (request.method === "GET" && IS_FILE.test(url.pathname)) {
    event.respondWith(answerFile(request));
  } else if (opens && request.method === "GET" && PAGES.test(url.pathname)) {
    event.respondWith(answerPage(request, url));
  } else if (opens && request.method === "GET" && NOT_STORED.test(url.pathname)) {
    event.respondWith(answerOnline(request, url));
  } else if (opens && request.method === "POST" && FORM.test(url.pathname)) {
    event.respondWith(answerForm(request, url));
  }
});
