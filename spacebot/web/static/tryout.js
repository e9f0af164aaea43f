// The try-out: a composer with a menu of commands, forms, and a log of messages.
// The server escapes the HTML that it sends; everything else is inserted as text.
"use strict";

function spacebotTryout(page) {
  const find = (selector) => page.querySelector(selector);
  const [log, menu, panel, line, say] = [".log", ".menu", ".panel", ".line", ".say"].map(find);
  let session = randomName();
  try {
    session = sessionStorage["spacebot-session"] ??= session;
  } catch {
    // Without storage, as in some frames, the session lasts as long as the page.
  }
  const PAUSE = 250; // how long a visitor must stop typing before suggestions are requested, in ms
  let commands = [];
  let active = -1;
  let closings = 0; // how often the menu was closed
  let typed = false; // whether the visitor typed something into the open form
  let talking; // {command, conversation} during a chat
  let asking; // aborts the latest request for suggestions

  function randomName() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  const pill = (textContent) => make("span", { textContent });

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const ask = (path, query, options) => {
    const headers = { "X-Spacebot-Session": session };
    const url = `spacebot/tryout/${path}?${new URLSearchParams(query)}`;
    return spacebotFetch(url, { headers, ...options });
  };

  async function refresh() {
    const answer = await ask("commands", {});
    if (answer.ok) commands = await answer.json();
    const picks = find(".picks");
    picks?.replaceChildren(
      ...commands.slice(0, 6).map(({ name }) =>
        make("button", { type: "button", textContent: `/${name}`, onclick: () => choose(name) }),
      ),
    );
    find(".hello .none")?.toggleAttribute("hidden", commands.length > 0);
    find(".hello .some")?.toggleAttribute("hidden", !commands.length);
  }

  // A Space of the visitor's own choice ----------------------------------------
  find(".any")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [form, told] = [event.target, find(".any-told")];
    const read = form.querySelector("button");
    read.disabled = true;
    told.textContent = "Reading the Space. If it is asleep, this takes up to a minute…";
    const answer = await ask("space", {}, { method: "POST", body: texts(new FormData(form)) });
    read.disabled = false;
    if (!answer.ok) return (told.textContent = await spacebotWords(answer));
    const { name, title } = await answer.json();
    form.reset();
    await refresh();
    told.textContent = `${title} is ready: choose one of its commands.`;
    if (panel.hidden) openMenu(`/${name}`);
  });

  // The menu ------------------------------------------------------------------
  function openMenu(text) {
    line.value = text;
    line.focus();
    showMenu();
  }

  function showMenu() {
    const text = line.value.trimStart();
    const words = text.slice(1).toLowerCase().trim();
    const begun = ({ name }) => `${words} `.startsWith(`${name.toLowerCase()} `);
    const fits = text.startsWith("/")
      ? commands.filter((one) => one.name.toLowerCase().includes(words) || begun(one))
      : [];
    const started = fits.some(begun);
    active = fits.length ? 0 : -1;
    menu.replaceChildren(
      ...fits.map(({ name, description, options }, index) =>
        make(
          "div",
          { id: `spacebot-command-${index}`, role: "option", onclick: () => pick(name) },
          make("strong", { textContent: `/${name}` }),
          make("span", { textContent: description }),
          make("div", { className: "pills" }, ...(started ? options : []).map(pill)),
        ),
      ),
    );
    menu.hidden = !fits.length;
    say.textContent = text.startsWith("/") && menu.hidden ? "No command has that name." : "";
    mark();
  }

  function mark() {
    const options = [...menu.children];
    options.forEach((option, index) => option.setAttribute("aria-selected", index === active));
    line.setAttribute("aria-expanded", !menu.hidden);
    line.setAttribute("aria-activedescendant", menu.hidden ? "" : options[active].id);
    options[active]?.scrollIntoView({ block: "nearest" });
  }

  function closeMenu() {
    closings += 1;
    menu.hidden = true;
    mark();
  }

  // The visitor may press Enter before the commands have arrived.
  async function enter() {
    const typed = line.value;
    await refresh();
    if (line.value !== typed || !panel.hidden) return;
    showMenu();
    if (!menu.hidden) menu.children[active].click();
  }

  line.addEventListener("input", showMenu);
  line.addEventListener("focus", async () => {
    const before = closings;
    await refresh();
    // The visitor may have chosen a command meanwhile, whose form is being fetched.
    if (closings === before && line.value && document.activeElement === line) showMenu();
  });
  line.addEventListener("blur", () => document.activeElement === line || closeMenu());
  menu.addEventListener("mousedown", (event) => event.preventDefault()); // keeps the line's focus
  line.addEventListener("keydown", (event) => {
    const count = menu.children.length;
    if (event.key === "Escape") closeMenu();
    else if (menu.hidden && event.key === "Enter" && talking && line.value.trim()) speak();
    else if (menu.hidden && event.key === "Enter" && line.value.startsWith("/")) enter();
    else if (menu.hidden && event.key === "Enter") say.textContent = "Type / to choose a command.";
    else if (menu.hidden) return;
    else if (event.key === "ArrowDown") active = (active + 1) % count;
    else if (event.key === "ArrowUp") active = (active + count - 1) % count;
    else if (event.key === "Enter" || event.key === "Tab") menu.children[active].click();
    else return;
    event.preventDefault();
    if (!menu.hidden) mark();
  });
  find(".slash").addEventListener("click", () => openMenu("/"));

  // A chat ----------------------------------------------------------------------
  const thread = find(".thread");
  const attach = find(".attach");
  const files = attach.querySelector("input");

  files.addEventListener("change", () => {
    const names = [...files.files].map(({ name }) => name).join(", ");
    say.textContent = names && `Goes with your next message: ${names}`;
    line.focus();
  });

  function talk(next) {
    talking = next;
    thread.hidden = !next;
    attach.hidden = !commands.find(({ name }) => name === next?.command)?.attaches;
    line.placeholder = next ? `Message /${next.command}` : "Type / for commands";
    if (next) {
      thread.textContent = `/${next.command} ✕`;
      thread.setAttribute("aria-label", `Leave the conversation with /${next.command}`);
    }
  }

  function speak() {
    const data = new FormData();
    data.append("said", line.value.trim());
    for (const file of files.files) data.append("files", file);
    files.value = "";
    line.value = "";
    run(talking.command, data, { conversation: talking.conversation });
  }

  thread.addEventListener("click", () => {
    talk(undefined);
    line.focus();
  });

  // Fills in the form with the text after the command's name, as in "/demo paint sunset".
  async function pick(name) {
    const rest = line.value.trimStart().slice(name.length + 1).trim();
    if (!rest || !line.value.toLowerCase().includes(name.toLowerCase())) return choose(name);
    const body = new URLSearchParams({ line: line.value });
    const answer = await ask("typed", {}, { method: "POST", body });
    if (!answer.ok) return (say.textContent = await spacebotWords(answer));
    const { command, fields } = await answer.json();
    return choose(command, fields, "", true);
  }

  // The form ------------------------------------------------------------------
  // `after` is the press of a result's button that opens this form. A form that is `ready` runs at
  // once if nothing is missing.
  async function choose(name, data, after = "", ready = after && !data) {
    closeMenu();
    const answer = await ask("form", { command: name, after });
    if (!answer.ok) return (say.textContent = await spacebotWords(answer));
    panel.innerHTML = await answer.text();
    const form = panel.querySelector("form");
    const back = form.querySelector(".leave");
    typed = false;
    const send = () => {
      const filled = new FormData(form);
      leave();
      run(name, filled, { after });
    };
    if (fill(form, data) && ready && form.checkValidity()) return send();
    panel.hidden = false;
    find(".composer").hidden = true;
    markScroll(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    form.addEventListener("keydown", (event) => event.key === "Escape" && goBack(back));
    form.addEventListener("input", ({ target }) => {
      typed = true;
      const { maxLength, value } = target;
      const limit = maxLength > 0 ? `${value.length} of ${maxLength} characters` : "";
      if (limit) target.closest(".field").dataset.length = limit;
      back.textContent = "Back";
      suggest(name, target, after, PAUSE);
    });
    form.addEventListener("focusin", ({ target }) => suggest(name, target, after, 0));
    back.addEventListener("click", () => goBack(back));
    form.querySelector("input, select, textarea, button").focus();
    find(".discord").scrollIntoView({ block: "nearest" });
  }

  // Marks the form while some of its fields are below the visible ones.
  function markScroll(form) {
    const fields = form.querySelector(".fields");
    const mark = () => {
      const below = fields.scrollHeight - fields.scrollTop - fields.clientHeight;
      form.classList.toggle("more", below > 8);
    };
    fields.addEventListener("scroll", mark);
    fields.addEventListener("toggle", mark, true); // it does not bubble
    new ResizeObserver(mark).observe(fields);
  }

  // Fills in a form; returns whether its fields accepted everything.
  function fill(form, data) {
    let took = true;
    for (const [name, value] of data ?? []) {
      const field = form.elements.namedItem(name);
      if (!field) continue;
      if (value instanceof File && value.name) {
        const files = new DataTransfer();
        files.items.add(value);
        field.files = files.files;
      } else if (typeof value === "string" && field.type !== "file") {
        field.value = value;
      }
      took &&= field.type === "file" || field.value === value;
    }
    return took;
  }

  // Requests suggestions for a field once the visitor pauses; a newer request replaces an older one.
  async function suggest(command, field, after, pause) {
    if (!field.dataset.suggest) return;
    asking?.abort();
    const { signal } = (asking = new AbortController());
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (signal.aborted) return;
    const query = { command, option: field.dataset.suggest, after };
    const body = texts(new FormData(field.form));
    const answer = await ask("suggest", query, { method: "POST", body, signal });
    if (!answer.ok) return; // replaced or lost: the list stays as it is
    const found = await answer.json();
    field.list.replaceChildren(...found.map(({ label, value }) => make("option", { label, value })));
  }

  function formData(pairs) {
    const data = new FormData();
    for (const pair of pairs) data.append(...pair);
    return data;
  }

  const texts = (data) =>
    new URLSearchParams([...data].filter(([, value]) => typeof value === "string"));

  // Asks once before it discards what the visitor typed.
  function goBack(back) {
    if (!typed || back.textContent !== "Back") return leave();
    back.textContent = "Discard and go back";
    say.textContent = "Going back discards what you typed. Press again to go back.";
    back.focus();
  }

  addEventListener("beforeunload", (event) => typed && event.preventDefault());

  function leave() {
    typed = false;
    say.textContent = "";
    panel.hidden = true;
    panel.replaceChildren();
    find(".composer").hidden = false;
    line.value = "";
    line.focus({ preventScroll: true });
  }

  // The messages --------------------------------------------------------------
  // The thread of a conversation; its first message opens it.
  function threadOf({ conversation, command, data }) {
    const found = document.getElementById(conversation);
    if (found) return found;
    const first = [...data.values()].find((one) => typeof one === "string" && one.trim()) ?? command;
    const title = make("p", { className: "title", textContent: `# ${first.slice(0, 100)}` });
    const thread = { id: conversation, className: "posted chat", ariaLabel: `Thread: ${first}` };
    return log.appendChild(make("section", thread, title));
  }

  function toEnd() {
    log.scrollTop = log.scrollHeight;
  }

  function show(turn) {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    turn.content.innerHTML = turn.html;
    for (const time of turn.content.querySelectorAll("[data-now]")) {
      time.textContent = new Date(turn.started * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    }
    turn.content.querySelectorAll("img, video").forEach((media) => {
      for (const kind of ["load", "loadedmetadata"]) media.addEventListener(kind, () => atEnd && toEnd());
    });
    const words = turn.content.querySelector("[data-say]")?.dataset.say;
    if (words && say.textContent !== words) say.textContent = words;
    page.dispatchEvent(new Event("spacebot:tell"));
    if (atEnd) toEnd();
  }

  function button(label, onclick, emoji) {
    const icon = emoji && make("span", { textContent: emoji, ariaHidden: "true" });
    return make("button", { type: "button", onclick }, icon ?? "", label);
  }

  // `vary` draws new seeds, and `regenerate` sends the last message of a chat again.
  async function run(command, data, { conversation, after = "", regenerate = false, vary = false } = {}) {
    const { chats } = commands.find(({ name }) => name === command) ?? {};
    if (chats && !after) talk({ command, conversation: (conversation ??= randomName()) });
    const turn = { command, data, after, conversation, started: Date.now() / 1000 };
    const query = { command, conversation: conversation ?? "", after, regenerate, vary };
    await watch(turn, (signal) => ask("run", query, { method: "POST", body: data, signal }));
  }

  // Shows the messages from before the page was reloaded.
  async function restore() {
    const answer = await ask("turns", {});
    await refresh();
    for (const turn of answer.ok ? await answer.json() : []) {
      turn.data = formData(turn.fields);
      turn.asks = turn.incomplete; // the browser no longer has its files
      watch(turn, () => ask("turn", { turn: turn.id }));
      talk(turn.conversation ? turn : undefined);
    }
  }

  // Follows a turn to its end; `open` makes the first request, and a broken connection is resumed.
  async function watch(turn, open) {
    find(".hello")?.remove();
    const stop = new AbortController();
    const cancel = () => (turn.id ? endTurn(turn) : stop.abort());
    turn.content = make("div");
    const buttons = make("div", { className: "under" }, button(turn.conversation ? "Stop" : "Cancel", cancel));
    turn.element = make("div", { className: "turn" }, turn.content, buttons);
    (turn.conversation ? threadOf(turn) : log).append(turn.element);
    toEnd();
    if (turn.html) show(turn);
    for (let tries = 0; tries < 5 && !turn.last && !turn.problem; tries += 1) {
      try {
        if (tries) await new Promise((resolve) => setTimeout(resolve, tries * 1000));
        await follow(await (turn.id ? ask("turn", { turn: turn.id }) : open(stop.signal)), turn);
      } catch {
        if (!turn.id) tries = 5; // the server has no turn to resume
      }
    }
    if (!turn.last && !turn.problem) {
      end(turn, stop.signal.aborted ? "🛑 Cancelled before it was sent." : "The connection to Spacebot was lost, so the result did not arrive. Run it again.");
    }
    for (const pair of Object.entries(turn.varied ?? {})) turn.data.set(...pair);
    showButtons(turn, buttons);
  }

  const endTurn = ({ id }) => id && ask("end", { turn: id }, { method: "POST" });

  function showButtons(turn, buttons) {
    const { command, data, after, conversation } = turn;
    const edit = () => choose(command, data, after);
    const presses = {
      again: () => (turn.asks ? edit() : run(command, data, { after })),
      vary: () => run(command, formData(data), { after, vary: true }),
      edit,
      then: (press) => choose(command, undefined, press),
      recipe: () => whisper(turn, turn.recipe),
      delete: () => forget(turn),
      "chat-again": () => {
        forget(turn);
        run(command, data, { conversation, regenerate: true });
      },
    };
    const offered = turn.under ?? [{ name: "again", label: "Again" }];
    const held = buttons.contains(document.activeElement);
    buttons.replaceChildren(
      ...offered.flatMap(({ name, label, emoji, press }) => {
        if (name === "send") return sender(turn, label, emoji);
        const made = button(label, () => presses[name](press), emoji);
        made.classList.toggle("go", name === "then");
        return made;
      }),
    );
    turn.content.querySelectorAll(".dismiss").forEach((one) => (one.onclick = presses.delete));
    if (held) buttons.querySelector("button")?.focus({ preventScroll: true });
    toEnd();
  }

  function forget(turn) {
    endTurn(turn);
    turn.element.remove();
    line.focus({ preventScroll: true });
  }

  // A message that only the visitor sees.
  function whisper(turn, html) {
    turn.element.querySelector(".whisper")?.remove();
    const told = make("div", { className: "text", innerHTML: html, tabIndex: -1 });
    const only = make("p", { className: "private", textContent: "Only you can see this · " });
    const shown = make("div", { className: "message whisper" }, told, only);
    only.append(button("Dismiss message", () => shown.remove()));
    turn.element.append(shown);
    told.focus({ preventScroll: true });
    only.scrollIntoView({ block: "nearest" });
  }

  // "Send to…": a menu of the commands that take a file or the text of a result.
  function sender(turn, label, emoji) {
    const nobody = () => whisper(turn, "No command here takes this.");
    if (!turn.targets.length) return [button(label, nobody, emoji)];
    const list = make("div", { className: "targets", popover: "auto" });
    const open = Object.assign(button(label, undefined, emoji), { popoverTargetElement: list });
    for (const target of turn.targets) {
      const go = button(`/${target.command} `, () => sendTo(target, list));
      go.append(make("span", { textContent: `${target.option}: ${target.what}` }));
      if (target.picture) go.append(make("img", { src: target.url, alt: "" }));
      list.append(go);
    }
    list.firstChild.autofocus = true;
    return [open, list];
  }

  async function sendTo({ command, option, what, url, text }, list) {
    list.hidePopover();
    if (!url) return choose(command, [[option, text]]);
    const answer = await spacebotFetch(url);
    if (!answer.ok) return (say.textContent = await spacebotWords(answer));
    const blob = await answer.blob();
    choose(command, [[option, new File([blob], what, { type: blob.type })]]);
  }

  function end(turn, text) {
    turn.problem = text;
    const words = make("p", { className: "text problem", textContent: text });
    (turn.content.querySelector(".progress") ?? turn.content.appendChild(make("p"))).replaceWith(words);
    say.textContent = text;
  }

  // Server-sent events, read with fetch: EventSource sends neither POST nor headers.
  async function follow(answer, turn) {
    if (answer.type === "error") throw new Error("the connection is lost");
    if (!answer.ok) return end(turn, await spacebotWords(answer));
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    while (!turn.last) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the stream ended early");
      const events = (rest + value).split("\n\n");
      rest = events.pop();
      for (const event of events.filter((one) => one.startsWith("data: "))) {
        Object.assign(turn, JSON.parse(event.slice(6)));
        show(turn);
      }
    }
  }

  const reveal = (event) => {
    const spoiler = event.target.closest?.(".spoiler");
    if (!spoiler || (event.type === "keydown" && !["Enter", " "].includes(event.key))) return;
    event.preventDefault();
    spoiler.ariaExpanded = "true";
  };
  log.addEventListener("click", reveal);
  log.addEventListener("keydown", reveal);
  // The first Space may answer after the page is open.
  page.addEventListener("spacebot:look", () => commands.length || refresh());
  restore();
}
