// Ask the browser to make a passkey, or to sign with one, and send its answer with the form.
"use strict";

(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form || !window.PublicKeyCredential) return;
  form.hidden = false;
  const fault = form.querySelector("[role=alert]");

  const decode = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) =>
      letter.charCodeAt(0),
    );
  const encode = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-")
      .replace(/\//g, "_")
      .replace(/=+$/, "");

  const described = (keys) => (keys || []).map((key) => ({ ...key, id: decode(key.id) }));

  // Browsers read these options from JSON themselves since 2023 to 2025; phones are older.
  const read = (text) => {
    const options = JSON.parse(text);
    options.challenge = decode(options.challenge);
    if (options.user) options.user.id = decode(options.user.id);
    if (options.allowCredentials) options.allowCredentials = described(options.allowCredentials);
    if (options.excludeCredentials)
      options.excludeCredentials = described(options.excludeCredentials);
    return options;
  };

  const write = (made) => {
    const response = { clientDataJSON: encode(made.response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature"])
      if (made.response[name]) response[name] = encode(made.response[name]);
    return JSON.stringify({ id: made.id, rawId: encode(made.rawId), type: made.type, response });
  };

  form.addEventListener("submit", async (event) => {
    if (form.elements.jawaban.value) return; // the answer is here: send it
    event.preventDefault();
    fault.hidden = true;
    try {
      const publicKey = read(form.dataset.options);
      const made = await navigator.credentials[form.dataset.passkey]({ publicKey });
      form.elements.jawaban.value = write(made);
      form.submit();
    } catch {
      fault.hidden = false;
      form.querySelector("button").focus();
    }
  });
})();
