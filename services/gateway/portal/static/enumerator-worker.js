// Service worker: serves the enumerator's page and its assets from a cache while offline.
"use strict";

const CACHE = "emall-enumerator";
const PATIENCE = 4000;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function fromNetwork(request) {
  const answer = await fetch(request);
  if (answer.ok) {
    const cache = await caches.open(CACHE);
    await cache.put(request, answer.clone());
  }
  return answer;
}

// Pages match by their whole address, since the query names the service in question. Assets match
// without their query, which is only a version: the newest cached one is better than none.
async function kept(request) {
  const cache = await caches.open(CACHE);
  const exact = await cache.match(request, { ignoreVary: true });
  if (exact || !new URL(request.url).pathname.startsWith("/static/")) return exact;
  const versions = await cache.matchAll(request, { ignoreSearch: true, ignoreVary: true });
  return versions[versions.length - 1];
}

async function answerTo(request) {
  const network = fromNetwork(request);
  network.catch(() => {});
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  try {
    const answer = await Promise.race([network, late]);
    if (answer && answer.status < 500) return answer;
  } catch {
    // Offline: answer from the cache.
  }
  return (await kept(request)) || network;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  const own = address.origin === self.location.origin && request.method === "GET";
  const part = address.pathname.startsWith("/static/") || address.pathname.endsWith("/petugas");
  if (own && part) event.respondWith(answerTo(request));
});
