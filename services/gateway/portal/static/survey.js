// Shows a question only after the answers that lead to it, makes an exclusive option clear the
// others, and resets an idle kiosk. Without this script the server makes the same checks.
"use strict";

const survey = document.querySelector(".survey");
const form = survey.querySelector("form");

function chosen(code) {
  const field = form.querySelector(`[data-code="${code}"]`);
  if (!field || field.hidden) return [];
  return [...field.querySelectorAll("input:checked")].map((input) => input.value);
}

function branch() {
  for (const field of form.querySelectorAll("[data-after]")) {
    const wanted = field.dataset.answers.split(" ");
    field.hidden = !chosen(field.dataset.after).some((value) => wanted.includes(value));
  }
}

for (const hint of form.querySelectorAll(".branch")) hint.hidden = true;
form.addEventListener("change", (event) => {
  const input = event.target;
  if (input.type === "checkbox" && input.checked) {
    const alone = input.dataset.exclusive === "1";
    for (const other of form.querySelectorAll(`input[name="${input.name}"]:checked`)) {
      if (other !== input && (alone || other.dataset.exclusive === "1")) other.checked = false;
    }
  }
  branch();
});
form.addEventListener("reset", () => setTimeout(branch));
form.addEventListener("submit", () => {
  const button = form.querySelector(".send");
  if (form.method === "post") setTimeout(() => (button.disabled = true));
});
addEventListener("pageshow", () => (form.querySelector(".send").disabled = false));
branch();
const wrong = form.querySelector("[aria-invalid=true]");
if (wrong) wrong.scrollIntoView({ block: "center" });

if (survey.dataset.idle) {
  // Whoever goes back sees an empty form, not the answers of the person before.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.replace(form.action);
  });
  // An abandoned form is cleared for the next respondent.
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => location.assign(form.action), Number(survey.dataset.idle) * 1000);
  };
  for (const sign of ["pointerdown", "keydown", "change", "scroll"]) addEventListener(sign, wait);
  wait();
}
