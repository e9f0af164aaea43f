// The try-out: a composer with a menu of commands, forms, and a log of messages.
// What the server sends as HTML is escaped there; everything else is put in as text.
"use strict";

function spacebotTryout(page) {
  const find = (selector) => page.querySelector(selector);
  const [log, menu, panel, line, say] = [".log", ".menu", ".panel", ".line", ".say"].map(find);
  let session = randomName();
  try {
    session = sessionStorage["spacebot-session"] ??= session;
  } catch {
    // Where storage is forbidden (some frames), the session lasts as long as the page.
  }
  const PAUSE = 250; // ms without a keystroke before suggestions are asked for
  let commands = [];
  let active = -1;
  let closings = 0; // how often the menu was closed
  let typed = false; // whether the open form holds what a visitor typed
  let talking; // {command, conversation} while a chat goes on
  let pausing, asking; // the timer before a question for suggestions, and what ends the question

  function randomName() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // A lost connection is an answer too: one of the type "error".
  const ask = (path, query, options) => {
    const headers = { "X-Spacebot-Session": session };
    const url = `spacebot/tryout/${path}?${new URLSearchParams(query)}`;
    return fetch(url, { headers, ...options }).catch(() => Response.error());
  };

  const refusal = async (answer) => {
    if (answer.type === "error") return "The connection to Spacebot was lost. Try again.";
    return (await answer.json().catch(() => ({}))).detail ?? "Spacebot refused this. Try again.";
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
    if (!answer.ok) return (told.textContent = await refusal(answer));
    const { name, title } = await answer.json();
    form.reset();
    await refresh();
    told.textContent = `${title} is ready: choose one of its commands.`;
    if (panel.hidden) openMenu(`/${name}`);
  });

  function openMenu(text) {
    line.value = text;
    line.focus();
    showMenu();
  }

  const pill = (textContent) => make("span", { textContent });

  // The menu ------------------------------------------------------------------
  function showMenu() {
    const text = line.value.trimStart();
    const words = text.slice(1).toLowerCase().trim();
    const typed = (name) => `${words} `.startsWith(`${name.toLowerCase()} `);
    const fits = text.startsWith("/")
      ? commands.filter(({ name }) => name.toLowerCase().includes(words) || typed(name))
      : [];
    const started = fits.some(({ name }) => typed(name));
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
    if (menu.hidden) line.removeAttribute("aria-activedescendant");
    else line.setAttribute("aria-activedescendant", options[active].id);
    options[active]?.scrollIntoView({ block: "nearest" });
  }

  function closeMenu() {
    closings += 1;
    menu.hidden = true;
    mark();
  }

  // Enter may come before the commands have.
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
    // A command may have been chosen meanwhile, and its form be on its way.
    if (closings === before && line.value && document.activeElement === line) showMenu();
  });
  line.addEventListener("blur", () =>
    setTimeout(() => document.activeElement === line || closeMenu(), 200),
  );
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

  // What stands behind the command's name, as in "/demo paint sunset", fills in its form.
  async function pick(name) {
    const rest = line.value.trimStart().slice(name.length + 1).trim();
    if (!rest || !line.value.toLowerCase().includes(name.toLowerCase())) return choose(name);
    const body = new URLSearchParams({ line: line.value });
    const answer = await ask("typed", {}, { method: "POST", body });
    if (!answer.ok) return (say.textContent = await refusal(answer));
    const { command, fields } = await answer.json();
    return choose(command, fields, "", true);
  }

  // The form ------------------------------------------------------------------
  // `after` names the button of a result that this is the answer to. `ready` says that the form
  // is to be run where nothing is missing.
  async function choose(name, data, after = "", ready = after && !data) {
    closeMenu();
    const answer = await ask("form", { command: name, after });
    if (!answer.ok) return (say.textContent = await refusal(answer));
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

  // Says so while some of the fields are out of view.
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

  // Fills a form in; says whether its fields took everything.
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

  // Asks what fits a field, once the visitor pauses; a newer question replaces an older one.
  function suggest(command, field, after, pause) {
    if (!field.dataset.suggest) return;
    clearTimeout(pausing);
    pausing = setTimeout(() => offer(command, field, after), pause);
  }

  async function offer(command, field, after) {
    asking?.abort();
    asking = new AbortController();
    const query = { command, option: field.dataset.suggest, after };
    const options = { method: "POST", body: texts(new FormData(field.form)), signal: asking.signal };
    const answer = await ask("suggest", query, options);
    if (!answer.ok) return; // replaced by a newer question, or lost: the list stays as it is
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

  // Asks once before it drops what was typed.
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
  // The thread of a conversation, which its first message opens.
  function threadOf({ conversation, command, data }) {
    const found = document.getElementById(conversation);
    if (found) return found;
    const [first] = [...data.values()].filter((one) => typeof one === "string" && one.trim());
    const title = make("p", { className: "title", textContent: `# ${(first ?? command).slice(0, 100)}` });
    const ariaLabel = `Thread: ${first ?? command}`;
    const opened = make("section", { id: conversation, className: "posted chat", ariaLabel }, title);
    log.append(opened);
    return opened;
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
    const icon = emoji ? [make("span", { textContent: emoji, ariaHidden: "true" })] : [];
    return make("button", { type: "button", onclick }, ...icon, label);
  }

  // `vary` draws new seeds, and `regenerate` asks a chat its last question again.
  async function run(command, data, { conversation, after = "", regenerate = false, vary = false } = {}) {
    const { chats } = commands.find(({ name }) => name === command) ?? {};
    if (chats && !after) talk({ command, conversation: (conversation ??= randomName()) });
    const turn = { command, data, after, conversation, started: Date.now() / 1000 };
    const query = { command, conversation: conversation ?? "", after, regenerate, vary };
    await watch(turn, (signal) => ask("run", query, { method: "POST", body: data, signal }));
  }

  // What the visitor had on the page before it was loaded again.
  async function restore() {
    const answer = await ask("turns", {});
    await refresh();
    for (const turn of answer.ok ? await answer.json() : []) {
      turn.data = formData(turn.fields);
      turn.asks = turn.incomplete; // for its files, which the browser has no more
      watch(turn, () => ask("turn", { turn: turn.id }));
      talk(turn.conversation ? turn : undefined);
    }
  }

  // Shows a turn until its end, through `open` first, and again where the connection breaks.
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
        if (!turn.id) tries = 5; // what never began is not there to be found again
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

  // "Send to…": a list of the commands that take a file or the text of a result.
  function sender(turn, label, emoji) {
    const { targets } = turn;
    const nobody = () => whisper(turn, "No command here takes this.");
    if (!targets.length) return [button(label, nobody, emoji)];
    const list = make("div", { className: "targets", hidden: true });
    const open = button(label, () => {
      list.hidden = !list.hidden;
      open.setAttribute("aria-expanded", !list.hidden);
      if (list.hidden) return;
      list.querySelector("button").focus();
      list.scrollIntoView({ block: "nearest" });
    }, emoji);
    open.setAttribute("aria-expanded", "false");
    for (const target of targets) {
      const go = button(`/${target.command} `, () => sendTo(target, open));
      go.append(make("span", { textContent: `${target.option}: ${target.what}` }));
      if (target.picture) go.append(make("img", { src: target.url, alt: "" }));
      list.append(go);
    }
    list.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      open.click();
      open.focus();
    });
    return [open, list];
  }

  async function sendTo({ command, option, what, url, text }, open) {
    open.click();
    if (!url) return choose(command, [[option, text]]);
    const answer = await fetch(url).catch(() => Response.error());
    if (!answer.ok) return (say.textContent = await refusal(answer));
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
    if (!answer.ok) return end(turn, await refusal(answer));
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
