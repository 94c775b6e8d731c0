// Says that the session is about to end and offers to prolong it. Without this script the server says so when
// the session is over, and nothing confirmed is lost.
const box = document.querySelector("[data-session-left]");
const text = box.querySelector("[data-session-text]");
const button = box.querySelector("button");
const warnBefore = 5 * 60;

let ends = Date.now() + Number(box.dataset.sessionLeft) * 1000;
let said = "";

const say = (words) => {
  if (words !== said) text.textContent = said = words; // a live region repeats what is written twice
};

const tick = () => {
  const left = Math.ceil((ends - Date.now()) / 1000);
  if (left > warnBefore) {
    box.hidden = button.hidden = true;
    say("");
    return;
  }
  box.hidden = false;
  button.hidden = left <= 0;
  say(left > 0 ? box.dataset.soon.replace("{min}", String(Math.ceil(left / 60))) : box.dataset.over);
};

button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    const answer = await fetch(box.dataset.sessionExtend, { method: "POST", credentials: "same-origin", redirect: "error" });
    if (answer.ok) {
      const left = Number(answer.headers.get("Session-Left"));
      ends = Date.now() + (left > 0 ? left : Number(box.dataset.sessionLeft)) * 1000;
    }
  } catch {
    // The notice stays: the person can press again.
  }
  button.disabled = false;
  tick();
});

// A sleeping laptop wakes with the right time: the end is an instant, not a count.
document.addEventListener("visibilitychange", tick);
setInterval(tick, 10_000);
tick();
