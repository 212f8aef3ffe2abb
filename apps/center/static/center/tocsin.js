// Small helpers; every page works without them. No inline handlers: the policy forbids them.
const root = document.documentElement;
root.classList.add("js");

function on(selector, event, act) {
  document.addEventListener(event, (happening) => {
    const target = happening.target.closest?.(selector);
    if (target) act(target, happening);
  });
}

// The menu of narrow screens
on("[data-menu]", "click", (button) => {
  const open = document.getElementById("side").classList.toggle("open");
  button.setAttribute("aria-expanded", String(open));
});
document.addEventListener("keydown", (event) => {
  const side = document.getElementById("side");
  if (event.key === "Escape" && side?.classList.contains("open")) {
    side.classList.remove("open");
    const button = document.querySelector("[data-menu]");
    button.setAttribute("aria-expanded", "false");
    button.focus();
  }
  const typing = event.target.closest?.("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    const search = document.querySelector('input[type="search"]');
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
});

// Light or dark, kept on this machine
on("[data-theme-toggle]", "click", () => {
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("tocsin.theme", root.dataset.theme); } catch { /* forbidden */ }
});

// Copying
on("[data-copy]", "click", async (button) => {
  const text = button.parentElement.querySelector("[data-copied]").textContent;
  try { await navigator.clipboard.writeText(text); } catch { select(button.parentElement); return; }
  const use = button.querySelector("use");
  const before = use.getAttribute("href");
  use.setAttribute("href", before.replace(/#.*/, "#check"));
  setTimeout(() => use.setAttribute("href", before), 1500);
});
function select(box) {
  const range = document.createRange();
  range.selectNodeContents(box.querySelector("[data-copied]"));
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

// Forms that send themselves when a choice is made
on("form[data-autosubmit] select", "change", (choice) => choice.form.requestSubmit());

// A deed is sent once
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  setTimeout(() => {
    for (const button of event.target.querySelectorAll("button")) button.disabled = true;
  });
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const button of document.querySelectorAll("form[method=post] button")) button.disabled = false;
});

// The tree
for (const [name, open] of [["unfold", true], ["fold", false]]) {
  on(`[data-${name}]`, "click", (button) => {
    const tree = document.getElementById(button.dataset[name]);
    for (const branch of tree.querySelectorAll("details")) branch.open = open;
  });
}

// A link to a folded or sticky place
on('a[href^="#"]', "click", (link) => {
  document.querySelector(link.getAttribute("href"))?.querySelector("details.plan-fold")?.setAttribute("open", "");
});

// Times stay true while the page is open
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat(root.lang || "en", { numeric: "auto" });
function refreshTimes() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
    if (unit) time.textContent = relative.format(Math.trunc(seconds / unit[1]), unit[0]);
  }
}
setInterval(refreshTimes, 30_000);

// Parts that come later, and parts that change
async function fragment(address) {
  const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  return answer.text();
}
for (const box of document.querySelectorAll("[data-load]")) {
  fragment(box.dataset.load).then((html) => { box.innerHTML = html; }, () => { box.textContent = "–"; });
}

function unchanged(box, html) {
  if (box.dataset.seen === html) return true;
  box.dataset.seen = html;
  return false;
}
async function watch(box) {
  try {
    const html = await fragment(box.dataset.watch);
    if (!unchanged(box, html)) {
      const open = new Set([...box.querySelectorAll("details[open][data-keep]")].map((one) => one.dataset.keep));
      box.innerHTML = html;
      for (const one of box.querySelectorAll("details[data-keep]")) if (open.has(one.dataset.keep)) one.open = true;
    }
    if (!box.querySelector("[data-still-moving]")) { if (box.dataset.reload !== undefined) location.reload(); return; }
  } catch { /* the server may be restarting: ask again */ }
  setTimeout(() => watch(box), document.hidden ? 10_000 : 2_000);
}
for (const box of document.querySelectorAll("[data-watch][data-moving]")) setTimeout(() => watch(box), 2_000);

// Where one is on a long page
const links = new Map([...document.querySelectorAll(".sections a")].map((link) => [link.hash.slice(1), link]));
if (links.size) {
  const here = new IntersectionObserver((seen) => {
    for (const one of seen) {
      if (!one.isIntersecting) continue;
      for (const link of links.values()) link.classList.remove("here");
      links.get(one.target.id)?.classList.add("here");
    }
  }, { rootMargin: "-25% 0px -65% 0px" });
  for (const name of links.keys()) { const part = document.getElementById(name); if (part) here.observe(part); }
}
