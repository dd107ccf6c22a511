// Keeps a page current without reloading: asks again when the tables have changed, and for the sake of the clock.
(() => {
  const CLOCK_MS = 30_000;
  let busy = false;
  let again = false;
  const pause = document.getElementById("pause");
  const paused = () => pause.getAttribute("aria-pressed") === "true";

  const writing = () => {
    const field = document.activeElement;
    return field instanceof HTMLTextAreaElement || (field instanceof HTMLInputElement && field.type !== "hidden");
  };

  const refresh = async () => {
    if (busy || paused() || writing() || document.hidden) {
      again = true;
      return;
    }
    busy = true;
    again = false;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-cache" });
      if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The view is being restarted: the stream below connects again by itself, and this is tried again.
    } finally {
      busy = false;
    }
  };

  const show = (fresh) => {
    const before = document.querySelector("h1")?.textContent.trim();
    // What the reader has opened and closed stays so, each by its id: several may have the same words.
    for (const one of document.querySelectorAll("main details[id]")) {
      const same = fresh.getElementById(one.id);
      if (same) same.open = one.open;
    }
    Idiomorph.morph(document.querySelector("main"), fresh.querySelector("main"), { ignoreActiveValue: true });
    document.body.dataset.tag = fresh.body.dataset.tag;
    const after = document.querySelector("h1")?.textContent.trim();
    // The sentence holds a running time: only another number of reports is worth interrupting somebody for.
    if (before && after && before.match(/\d+/)?.[0] !== after.match(/\d+/)?.[0]) {
      document.getElementById("live").textContent = after;
    }
  };

  const question = document.getElementById("query");
  document.getElementById("keys")?.removeAttribute("hidden");
  question?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    question.form.requestSubmit();
  });
  if (!document.body.dataset.tag || location.pathname.endsWith("/sql")) return;
  pause.hidden = false;
  pause.setAttribute("aria-pressed", sessionStorage.getItem("paused") ?? "false");
  pause.addEventListener("click", () => {
    pause.setAttribute("aria-pressed", String(!paused()));
    sessionStorage.setItem("paused", String(paused()));
    if (again) refresh();
  });
  const changes = new EventSource("/live");
  changes.addEventListener("state", (event) => {
    if (again || event.data !== document.body.dataset.tag) refresh();
  });
  setInterval(refresh, CLOCK_MS);
  document.addEventListener("visibilitychange", () => again && refresh());
})();
