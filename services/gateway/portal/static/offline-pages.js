// The pages of the portal as the service worker makes them from the stored catalogue, inside the
// page `/luring` as the hub wrote it.
"use strict";

const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const safe = (text) => String(text).replace(/[&<>"']/g, (sign) => SIGNS[sign]);
const digits = (number) => number.replace(/[^\d+]/g, "");

// How long ago, in the page's language: 2 hari yang lalu.
function ago(moment, language) {
  const words = new Intl.RelativeTimeFormat(language === "en" ? "en-GB" : "id");
  const minutes = Math.max(0, Math.round((Date.now() - moment) / 60000));
  if (minutes < 60) return words.format(-minutes, "minute");
  const hours = Math.round(minutes / 60);
  return hours < 24 ? words.format(-hours, "hour") : words.format(-Math.round(hours / 24), "day");
}

class OfflinePages {
  constructor(catalog, shell, checked, address) {
    this.catalog = catalog;
    this.address = address;
    this.shell = shell;
    this.checked = checked;
    this.words = JSON.parse(shell.match(/id="kata">([^]*?)<\/script>/)[1]);
    this.suffix = catalog.language === "id" ? "" : `?lang=${catalog.language}`;
    this.joined = this.suffix.replace("?", "&amp;");
    this.services = new Map(catalog.services.map((service) => [service.slug, service]));
  }

  // The whole page around its content.
  page(title, content) {
    const age = this.words.stored.replace("{ago}", ago(this.checked, this.catalog.language));
    const main = `<p class="notice" id="stored-age">${safe(age)}</p>${content}`;
    return this.shell
      .replace(/<title>[^]*?(?= – )/, () => `<title>${safe(title)}`)
      .replace(/<link rel="canonical"[^>]*>|<meta property="og:[^>]*>/g, "")
      .replace(/href="\/luring\?lang=([a-z]+)" hreflang/g, (_, other) => `href="${safe(this.inLanguage(other))}" hreflang`)
      .replace(/(<main[^>]*>)[^]*(?=<\/main>)/, (_, start) => start + main);
  }

  inLanguage(language) {
    const address = new URL(this.address);
    address.searchParams.set("lang", language);
    return address.pathname + address.search;
  }

  form(query) {
    const language = this.suffix ? `<input type="hidden" name="lang" value="${this.catalog.language}">` : "";
    return `<form class="search" action="/cari" role="search"><label for="q">${safe(this.words.home)}</label>
<div><input id="q" name="q" type="search" value="${safe(query)}" maxlength="200" autocomplete="off" required>${language}<button>${safe(this.words.search)}</button></div></form>`;
  }

  list(services) {
    const items = services.map(
      (one) =>
        `<li><a href="/layanan/${one.slug}${this.suffix}"><strong>${safe(one.name)}</strong><span>${safe(one.summary)}</span><small>${safe(one.agency)}${one.inactive ? ` <b class="tag stopped">${safe(this.words.inactive)}</b>` : ""}</small></a></li>`,
    );
    return `<ul class="services">${items.join("")}</ul>`;
  }

  found(slugs) {
    return slugs.map((slug) => this.services.get(slug)).filter(Boolean);
  }

  home() {
    const events = this.catalog.life_events.map(
      (event) => `<li><a href="/peristiwa/${event.slug}${this.suffix}">${safe(event.name)}</a></li>`,
    );
    const needs = `<h2>${safe(this.words.events)}</h2><ul class="chips needs">${events.join("")}</ul>`;
    const all = `<p class="actions"><a class="plain" href="/layanan${this.suffix}">${safe(this.words.all)}</a></p>`;
    return this.page(this.words.home, `<h1>${safe(this.words.home)}</h1>${this.form("")}${needs}${all}`);
  }

  event(slug) {
    const event = this.catalog.life_events.find((one) => one.slug === slug);
    if (!event) return this.absent();
    return this.page(event.name, `<h1>${safe(event.name)}</h1>${this.list(this.found(event.services))}`);
  }

  all() {
    const services = [...this.catalog.services].sort((a, b) => a.name.localeCompare(b.name));
    return this.page(this.words.all, `<h1>${safe(this.words.all)}</h1>${this.list(services)}`);
  }

  results(query, slugs) {
    const found = this.found(slugs).slice(0, 40);
    const none = `<p>${safe(this.words.none)}</p><p><a class="button" href="/layanan${this.suffix}">${safe(this.words.all)}</a></p>`;
    const content = found.length ? this.list(found) : query ? none : "";
    return this.page(`${this.words.search}: ${query}`, `<h1>${safe(this.words.search)}</h1>${this.form(query)}${content}`);
  }

  terms(part) {
    const row = (name, content) => (content ? `<div><dt>${safe(name)}</dt><dd>${content}</dd></div>` : "");
    const tick = (text) => `<li><label><input type="checkbox" autocomplete="off"> <span>${safe(text)}</span></label></li>`;
    const bring = part.bring ? `<ul class="ticks">${part.bring.map(tick).join("")}</ul>` : "";
    const steps = part.steps ? `<ol>${part.steps.map((step) => `<li>${safe(step)}</li>`).join("")}</ol>` : "";
    return `<dl class="terms">${row(this.words.bring, bring)}${row(this.words.cost, (part.cost || []).map(safe).join("; "))}${row(this.words.time, safe(part.time || ""))}${row(this.words.steps, steps)}</dl>`;
  }

  place(place) {
    const contacts = [
      place.telephone && `<a href="tel:${digits(place.telephone)}">${safe(this.words.phone)} ${safe(place.telephone)}</a>`,
      place.whatsapp && `<a href="https://wa.me/${digits(place.whatsapp).replace("+", "")}" rel="external noreferrer">WhatsApp ${safe(place.whatsapp)}</a>`,
      place.email && `<a href="mailto:${safe(place.email)}">${safe(place.email)}</a>`,
    ];
    const hours = (place.hours || []).map((rule) => `<span>${safe(rule)}</span>`).join(" ");
    return `<li><strong>${safe(place.name)}</strong> <span>${safe(place.address)}</span> ${hours} <span class="contacts">${contacts.filter(Boolean).join(" ")}</span></li>`;
  }

  service(slug, chosen) {
    const one = this.services.get(slug);
    if (!one) return this.absent();
    const cases = (one.cases || []).map(
      (each) =>
        `<details class="case" name="case"${each.slug === chosen ? " open" : ""}><summary>${safe(each.name)}</summary>${each.when ? `<p>${safe(each.when)}</p>` : ""}${this.terms(each)}</details>`,
    );
    const places = (one.places || []).map((number) => this.place(this.catalog.places[number]));
    if (one.places_decided_by) places.push(`<li>${safe(one.places_decided_by)}</li>`);
    const heading = (name) => `<h2>${safe(name)}</h2>`;
    const parts = [
      `<p class="crumb"><a href="/layanan${this.suffix}">${safe(this.words.all)}</a> › ${safe(one.agency)}</p>`,
      `<h1>${safe(one.name)}</h1><p class="lead">${safe(one.summary)}</p>`,
      one.inactive ? `<p class="notice">${safe(this.words.inactive)}</p>` : "",
      cases.length ? `${heading(this.words.case)}<div class="cases">${cases.join("")}</div>` : "",
      this.terms(one),
      places.length ? `${heading(this.words.where)}<ul class="channels places">${places.join("")}</ul>` : "",
      `${heading(this.words.how)}<ul class="channels">${(one.channels || []).map((how) => `<li>${safe(how)}</li>`).join("")}</ul>`,
      `<p class="actions"><a href="/aduan?service=${one.slug}${this.joined}">${safe(this.words.complain)}</a></p>`,
      `<p class="actions"><a href="/survei/skm?service=${one.slug}${this.joined}">${safe(this.words.rate)}</a></p>`,
    ];
    return this.page(one.name, `<article class="service">${parts.join("\n")}</article>`);
  }

  absent() {
    return this.page(this.words.absent, `<h1>${safe(this.words.absent)}</h1>${this.form("")}`);
  }
}
