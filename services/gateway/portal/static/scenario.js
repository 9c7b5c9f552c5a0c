// Adds a slider to each field of a scenario, and shows the result while it is moved. The server
// computes and draws the result; without this script the form's button asks for it.
"use strict";

const form = document.querySelector(".scenario");
const result = document.getElementById("hasil");
let waiting = 0;
let asked = 0;

function query() {
  const fields = [...new FormData(form)].filter(([, text]) => text.trim() !== "");
  return new URLSearchParams(fields);
}

async function update() {
  const turn = ++asked;
  const wanted = query();
  const address = `${form.action}?${wanted}`;
  wanted.set("bagian", "hasil");
  const answer = await fetch(`${form.action}?${wanted}`).catch(() => null);
  if (turn !== asked || !answer || !answer.ok) return;
  result.innerHTML = await answer.text();
  history.replaceState(null, "", address);
}

function later() {
  clearTimeout(waiting);
  waiting = setTimeout(update, 250);
}

for (const field of form.querySelectorAll(".lever input")) {
  const slider = document.createElement("input");
  slider.type = "range";
  slider.min = 0;
  slider.max = 100;
  slider.step = 5;
  slider.value = field.value.replace(",", ".") || field.dataset.now || 0;
  slider.setAttribute("aria-label", form.querySelector(`label[for="${field.id}"]`).textContent);
  field.after(slider);
  slider.addEventListener("input", () => {
    field.value = slider.value;
    later();
  });
  field.addEventListener("input", () => {
    slider.value = field.value.replace(",", ".") || field.dataset.now || 0;
    later();
  });
}
