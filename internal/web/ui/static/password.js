// Shows and hides a password. Without this script the button stays hidden and nothing is missing.
for (const button of document.querySelectorAll("[data-show-password]")) {
  const field = document.getElementById(button.dataset.showPassword);
  const status = document.querySelector(`[data-password-status="${CSS.escape(field.id)}"]`);
  const set = (shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-label", shown ? button.dataset.hide : button.dataset.show);
    button.toggleAttribute("data-on", shown);
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    set(shown);
    status.textContent = shown ? button.dataset.shown : button.dataset.hidden;
  });
  // A shown password must not be sent as text: browsers would offer it again to the next person.
  field.form?.addEventListener("submit", () => set(false));
}
