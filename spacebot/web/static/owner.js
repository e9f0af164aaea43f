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
    const answer = await spacebotFetch(`spacebot/owner?known=${digest}`);
    if (answer.status !== 200) return;
    const fresh = await answer.json();
    owner = fresh.owner;
    digest = fresh.digest;
    spacebotPut(slot, fresh.html);
    page.dispatchEvent(new Event("spacebot:tell"));
  }

  const send = (path, fields) =>
    spacebotFetch(`spacebot/owner/${path}`, { method: "POST", body: new URLSearchParams(fields) });

  slot.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { password } = event.target.elements;
    const answer = await send("sign-in", { password: password.value });
    event.target.querySelector(".told").textContent = await spacebotWords(answer);
    if (!answer.ok) return password.select();
    await show();
    // Move the keyboard to the start of the view, not to the button that replaced the form.
    slot.querySelector("#owner-title")?.focus();
    slot.scrollIntoView({ block: "start" });
  });

  // `confirm()` shows nothing in a frame of another site, as on Hugging Face.
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
    // A disabled button would lose the keyboard focus.
    busy = true;
    clearTimeout(fading);
    const { act: action, target } = button.dataset;
    said.textContent = await spacebotWords(await send(action ? "act" : "sign-out", { action, target }));
    busy = false;
    fading = setTimeout(() => (said.textContent = ""), 10_000);
    await look();
    await show();
  });

  // A stranger's page asks once; an owner's page asks with every status update.
  page.addEventListener("spacebot:look", () => owner && show());
  show();
}
