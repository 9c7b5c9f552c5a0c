// Lets the service worker store the catalogue, and shows on `/luring` what it stores and sends.
"use strict";

// A block: other scripts of a page have names of their own.
{
  const language = document.documentElement.lang;
  const panel = document.getElementById("luring");
  const part = (name) => document.getElementById(`luring-${name}`);

  async function ask(act, more = {}) {
    const { active } = await navigator.serviceWorker.ready;
    return new Promise((resolve) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = (event) => resolve(event.data);
      active.postMessage({ act, language, ...more }, [channel.port2]);
    });
  }

  function lineOf(entry) {
    const line = document.createElement("li");
    const say = JSON.parse(panel.dataset.words);
    const kind = entry.isFile ? say.comment : say.survey;
    line.append(`${kind}, ${new Date(entry.at).toLocaleString(language === "en" ? "en-GB" : "id")}: `);
    const state = document.createElement("strong");
    state.textContent = say[entry.state];
    line.append(state);
    if (entry.ticket) {
      const link = document.createElement("a");
      link.href = `/aduan/${entry.ticket}${entry.secret ? `?kunci=${entry.secret}` : ""}`;
      link.textContent = entry.ticket;
      line.append(` ${say.ticket} `, link);
    }
    if (entry.text) {
      const text = document.createElement("blockquote");
      text.textContent = entry.text;
      line.append(text);
    }
    if (entry.state !== "waiting") {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "small", textContent: say.forget });
      button.addEventListener("click", async () => show(await ask("forget", { id: entry.id })));
      line.append(" ", button);
    }
    return line;
  }

  function show(state) {
    if (!panel || !state) return;
    part("stored").hidden = !state.age;
    part("absent").hidden = Boolean(state.age);
    part("age").textContent = state.age;
    part("outbox").hidden = !state.entries.length;
    part("entries").replaceChildren(...state.entries.map(lineOf));
    part("controls").hidden = false;
    panel.dataset.ready = "";
  }

  async function start() {
    await navigator.serviceWorker.register("/sw.js");
    const connection = navigator.connection || {};
    navigator.serviceWorker.addEventListener("message", async () => show(await ask("state")));
    show(await ask("state"));
    // Who saves data decides on `/luring` whether to store the catalogue.
    if (!connection.saveData) show(await ask("refresh"));
    document.documentElement.dataset.offline = "";
    show(await ask("deliver"));
  }

  if (panel) {
    part("store").addEventListener("click", async () => {
      if (navigator.storage && navigator.storage.persist) await navigator.storage.persist();
      show(await ask("refresh", { now: true }));
    });
    part("clear").addEventListener("click", async () => show(await ask("clear")));
    setInterval(async () => show(await ask("deliver")), 30000);
  }
  if ("serviceWorker" in navigator) {
    addEventListener("online", () => ask("deliver").then(show));
    // After the page itself, whose network it shares.
    addEventListener("load", () => start().catch(() => {}));
  }
}
