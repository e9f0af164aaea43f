// The parts of the page that update themselves. The server escapes the HTML that it sends.
"use strict";

window.spacebot = (root) => {
  const page = root.querySelector(".spacebot");
  const look = spacebotStatus(page);
  spacebotOwner(page, look);
  if (page.querySelector(".tryout")) spacebotTryout(page);
};

// A lost connection is an answer too: one of the type "error".
const spacebotFetch = (path, options) => fetch(path, options).catch(() => Response.error());

// What an answer says to the person who waits for it.
async function spacebotWords(answer) {
  if (answer.type === "error") return "The connection to Spacebot was lost. Try again.";
  const { said, detail } = await answer.json().catch(() => ({}));
  return said ?? detail ?? (answer.ok ? "" : "Spacebot refused this. Try again.");
}

function spacebotStatus(page) {
  const PERIOD = 3000; // milliseconds between two requests
  const known = new Map(); // section name → digest of its content
  const lost = page.querySelector(".lost");
  let failures = 0;
  let timer;

  const put = ([name, digest, html]) => {
    const slot = page.querySelector(`[data-slot="${name}"]`);
    if (!slot) return;
    spacebotPut(slot, html);
    known.set(name, digest);
  };

  const words = (seconds) => {
    const [days, hours, minutes] = [86400, 3600, 60].map((unit) => Math.floor(seconds / unit));
    if (days) return `${days} d ${hours % 24} h`;
    if (hours) return `${hours} h ${minutes % 60} min`;
    return minutes ? `${minutes} min` : `${Math.floor(seconds)} s`;
  };

  // As Discord words it: "5 seconds ago", "in 2 hours".
  const relative = (seconds) => {
    const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
    const [unit, length] = units.find((one) => Math.abs(seconds) >= one[1]) ?? units[3];
    return new Intl.RelativeTimeFormat("en").format(Math.trunc(seconds / length), unit);
  };

  const tell = () => {
    const now = Date.now() / 1000;
    for (const element of page.querySelectorAll("[data-since], [data-ago]")) {
      const { since, ago } = element.dataset;
      const text = since ? words(Math.max(0, now - since)) : relative(ago - now);
      if (element.textContent !== text) element.textContent = text;
    }
  };

  const look = async () => {
    clearTimeout(timer);
    try {
      const has = [...known].map((pair) => pair.join(":")).join(",");
      const answer = await fetch(`spacebot/status?known=${encodeURIComponent(has)}`);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      if (answer.status !== 204) (await answer.json()).forEach(put);
      failures = 0;
    } catch {
      failures += 1;
    }
    lost.hidden = failures < 2;
    tell();
    page.dispatchEvent(new Event("spacebot:look"));
    // A hidden page sends no requests.
    if (!document.hidden) timer = setTimeout(look, PERIOD * Math.min(1 + failures, 5));
  };

  document.addEventListener("visibilitychange", () => document.hidden || look());
  page.addEventListener("spacebot:tell", tell);
  setInterval(tell, 1000);
  page.addEventListener("click", async (event) => {
    const check = event.target.closest?.("[data-look]");
    if (!check) return;
    check.disabled = true;
    check.textContent = "Checking…";
    await spacebotFetch("spacebot/look", { method: "POST" });
    check.disabled = false;
    check.textContent = "Check";
    await look();
    page.querySelector("[data-look]")?.focus();
  });
  look();
  return look;
}

// Replaces a slot's HTML; open details stay open, and the keyboard focus stays.
function spacebotPut(slot, html) {
  const places = "button, a, summary, input, pre";
  const focused = [...slot.querySelectorAll(places)].indexOf(document.activeElement);
  const open = [...slot.querySelectorAll("details")].map((details) => details.open);
  slot.innerHTML = html;
  slot.querySelectorAll("details").forEach((details, index) => (details.open ||= open[index] ?? false));
  if (focused >= 0) slot.querySelectorAll(places)[focused]?.focus({ preventScroll: true });
}
