// The owner's view: signing in, what only the owner sees, and the owner's actions.
"use strict";

function spacebotOwner(page, look) {
  const slot = page.querySelector(".owned");
  const said = page.querySelector(".done-said");
  let digest = "";
  let owner = false;
  let busy = false;
  let fading;

  async function show() {
    const answer = await fetch(`spacebot/owner?known=${digest}`).catch(() => undefined);
    if (answer?.status !== 200) return;
    const fresh = await answer.json();
    owner = fresh.owner;
    digest = fresh.digest;
    spacebotPut(slot, fresh.html);
    page.dispatchEvent(new Event("spacebot:tell"));
  }

  const send = (path, fields) =>
    fetch(`spacebot/owner/${path}`, { method: "POST", body: new URLSearchParams(fields) });

  async function told(answer) {
    if (answer.status === 204) return "";
    const body = await answer.json().catch(() => ({}));
    return body.said ?? body.detail ?? "It did not work.";
  }

  slot.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const answer = await send("sign-in", { password: form.elements.password.value });
    const words = await told(answer);
    form.querySelector(".told").textContent = words;
    if (answer.ok) {
      await show();
      // The keyboard goes on at the view's beginning, not at whatever button took the form's place.
      slot.querySelector("#owner-title")?.focus();
      slot.scrollIntoView({ block: "start" });
    } else form.elements.password.select();
  });

  // Not the browser's own question: in a frame, as on Hugging Face, it shows none.
  const asking = page.querySelector("dialog.confirm");
  const confirmed = (question) =>
    new Promise((resolve) => {
      asking.querySelector("p").textContent = question;
      asking.returnValue = "";
      asking.addEventListener("close", () => resolve(asking.returnValue === "yes"), { once: true });
      asking.showModal();
    });

  slot.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-act], [data-sign-out]");
    if (!button || busy) return;
    if (button.dataset.confirm && !(await confirmed(button.dataset.confirm))) return;
    // A button that is disabled would lose the keyboard.
    busy = true;
    clearTimeout(fading);
    try {
      const { act: action, target } = button.dataset;
      said.textContent = await told(
        await (action ? send("act", { action, target }) : send("sign-out", {})),
      );
    } catch {
      said.textContent = "Spacebot did not answer. Try again.";
    }
    busy = false;
    fading = setTimeout(() => (said.textContent = ""), 10_000);
    await look();
    await show();
  });

  // A stranger's page asks once; an owner's as often as for everything else.
  page.addEventListener("spacebot:look", () => owner && show());
  show();
}
