// Service worker: opens months and their list without a network, for a day.
"use strict";

const CACHE = "emall-months";
const PATIENCE = 4000;
const DAY = 24 * 60 * 60 * 1000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// What leads elsewhere, such as to the page that asks to sign in, is not stored.
async function fromNetwork(request) {
  const answer = await fetch(request);
  if (answer.ok && !answer.redirected && answer.type === "basic") {
    const cache = await caches.open(CACHE);
    await cache.put(request, answer.clone());
  }
  return answer;
}

async function stored(request) {
  const cache = await caches.open(CACHE);
  const asset = new URL(request.url).pathname.startsWith("/static/");
  const answer = await cache.match(request, { ignoreVary: true });
  if (answer && !asset && Date.now() - Date.parse(answer.headers.get("Date")) > DAY) return undefined;
  return answer;
}

async function answerTo(request) {
  const network = fromNetwork(request);
  network.catch(() => {});
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  try {
    const answer = await Promise.race([network, late]);
    if (answer && answer.status < 500) return answer;
  } catch {
    // No network: answer with what is stored.
  }
  return (await stored(request)) || network;
}

// Only pages that a person opens: what the page's script asks for has to be of this moment.
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  const own = address.origin === self.location.origin && request.method === "GET";
  const month = /^\/kelola\/laporan(\/20\d\d-\d\d)?$/.test(address.pathname);
  const page = request.mode === "navigate" && month;
  if (own && (page || address.pathname.startsWith("/static/"))) event.respondWith(answerTo(request));
});
