// Saves a draft while it is typed. Without this script the form's own button saves it.
const quiet = 1500; // ms after the last key
const longest = 15_000; // ms that somebody who never pauses goes unsaved

for (const form of document.querySelectorAll("form[data-autosave]")) {
  const status = form.querySelector("[data-autosave-status]");
  const clock = new Intl.DateTimeFormat(form.dataset.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "Europe/Lisbon" });
  let timer = 0;
  let firstUnsaved = 0;
  let saving = Promise.resolve();

  // Files go only with the form's own button: sent here they would be sent twice.
  const fields = () => {
    const all = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (typeof value === "string") all.append(name, value);
    }
    return all;
  };

  const hour = () => {
    const text = clock.format(new Date());
    return form.dataset.lang.startsWith("pt") ? text.replace(":", "h") : text;
  };

  const send = async (leaving) => {
    clearTimeout(timer);
    if (firstUnsaved === 0) return;
    firstUnsaved = 0;
    try {
      const answer = await fetch(form.dataset.autosave, {
        method: "POST",
        body: fields(),
        credentials: "same-origin",
        redirect: "error", // a redirect is the sign-in page: not saved
        keepalive: leaving,
      });
      if (!answer.ok) throw new Error(String(answer.status));
      status.textContent = form.dataset.saved.replace("{hora}", hour());
    } catch {
      firstUnsaved = Date.now();
      status.textContent = form.dataset.unsaved;
    }
  };

  // One at a time and in order: an older answer must never arrive over a newer one.
  const save = (leaving = false) => {
    saving = saving.then(() => send(leaving));
  };

  const changed = () => {
    firstUnsaved ||= Date.now();
    clearTimeout(timer);
    timer = setTimeout(() => save(), Math.max(0, Math.min(quiet, firstUnsaved + longest - Date.now())));
  };

  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    firstUnsaved = 0;
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") save(true);
  });
}
