// Buttons that do nothing without a script, and are seen only with one: copying and printing.
(() => {
  document.documentElement.classList.add("script");

  // Browsers keep the clipboard for safe origins; on others a selection can be copied all the same.
  const copy = async (text) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) throw new Error("not copied");
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy], button[data-print]");
    if (!button) return;
    if ("print" in button.dataset) return window.print();
    const text = document.getElementById(button.dataset.copy).textContent;
    let said = button.dataset.done;
    try {
      await copy(text);
    } catch {
      said = button.dataset.failed;
    }
    button.focus();
    document.getElementById("live").textContent = said;
    const label = button.querySelector("span");
    const before = (label.dataset.before ??= label.textContent);
    label.textContent = said;
    setTimeout(() => (label.textContent = before), 2500);
  });
})();
