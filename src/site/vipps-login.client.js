// `<vipps-login>`, served as it stands: docs/element.md
(() => {
  if (customElements.get("vipps-login")) return;

  const here = document.currentScript?.getAttribute("src") ?? "/auth/";
  const auth = new URL(".", new URL(here, document.baseURI));
  const OFFICIAL = "vipps-mobilepay-button";
  const OFFICIAL_SCRIPT = "https://cdn.vippsmobilepay.com/js/button/button.js";
  const OFFICIAL_DEADLINE = 1500; // milliseconds
  const TEXT_DEADLINE = 300;
  const SESSION_DEADLINE = 5000;
  const CHECK_INTERVAL = 5000;

  const MOBILEPAY = "mobilepay"; // the worker writes "vipps" here when that day has come
  const VERBS = ["login", "continue", "register"];
  /** @type {Record<string, string>} */
  const TEXTS = {
    en: "Log in with |Continue with |Register with |Vipps|MobilePay|My page|Log out",
    no: "Logg inn med |Fortsett med |Registrer deg med |Vipps|MobilePay|Min side|Logg ut",
    da: "Log ind med |Fortsæt med |Registrer dig med |Vipps|MobilePay|Min side|Log ud",
    sv: "Logga in med |Fortsätt med |Registrera dig med |Vipps|MobilePay|Min sida|Logga ut",
    fi: "Kirjaudu sisään |Jatka |Rekisteröidy |Vippsillä|MobilePaylla|Oma sivu|Kirjaudu ulos",
  };

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
:host{display:inline-block;position:relative;vertical-align:middle;--b:#cc400c;font:600 1rem/1.2 system-ui,sans-serif}
:host([hidden]),[hidden]{display:none!important}
#box,slot{display:grid}
#box>*,#out>*{grid-area:1/1}
#in{min-inline-size:9rem}
#box:not(.out)>#out,#box:not(.in)>#in,.under{visibility:hidden}
a,button,#menu{all:unset;box-sizing:border-box;border:1px solid #8889;border-radius:var(--vipps-login-radius,6px)}
a,button{display:flex;align-items:center;justify-content:center;cursor:pointer;min-block-size:var(--vipps-login-height,44px);padding:0 18px}
:focus-visible{outline:2px solid var(--vipps-login-focus,Highlight);outline-offset:2px}
#out a{border-color:transparent;background:var(--vipps-login-background,var(--b));color:var(--vipps-login-color,#fff)}
.mobilepay{--b:#4961cd}
:host([official]) #out a{padding:0 36px;font:700 18.5px/1.2 Arial,sans-serif}
#out a:hover{filter:brightness(.9)}
#user{contain:inline-size}
span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
#user::after{content:"▾"/"";padding-inline-start:.5em}
#menu{position:absolute;z-index:9;inset:calc(100% + 6px) 0 auto;padding:5px;background:var(--vipps-login-surface,Canvas);color:var(--vipps-login-text,CanvasText);box-shadow:0 8px 24px #0003}
#menu :is(a,button){inline-size:100%;justify-content:start;border-color:transparent}
#in :is(a,button):hover{background:#8882}
[role=status]{position:absolute;clip-path:inset(50%)}`);

  /** @type {Set<VippsLogin>} */
  const elements = new Set();
  /** @type {{ authenticated: boolean, user?: { name?: string } } | undefined} */
  let session; // what the worker last said
  let official = ""; // then "asked", then "here" or "absent"
  let looks = 20; // at texts of the official button that seem right
  let misses = 0; // texts of the official button in another language: old ones know "dk", new ones "da", for Vipps none "fi"
  let checkedAt = 0;
  let timer = 0; // of the next check: several become one

  const identity = () => session && JSON.stringify([session.authenticated, session.user]);

  const load = async () => {
    timer = 0;
    checkedAt = performance.now();
    const before = identity();
    try {
      const signal = AbortSignal.timeout(SESSION_DEADLINE);
      const response = await fetch(`${auth}session`, { credentials: "include", signal });
      const answer = await response.json();
      if (typeof answer.authenticated === "boolean") session = answer;
    } catch {} // what was known stays; the login link works without it
    const changed = identity() !== before;
    for (const element of elements) element.show(changed, !!before);
    if (changed) channel.postMessage(identity());
  };

  const check = () => {
    timer = timer || setTimeout(load, checkedAt + CHECK_INTERVAL - performance.now());
  };

  const listen = () => {
    const opened = new BroadcastChannel(`vipps-login ${auth}`);
    opened.onmessage = ({ data }) => data === identity() || check();
    return opened;
  };
  let channel = listen();
  addEventListener("pagehide", () => channel.close()); // open, it can keep a page out of the bfcache
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    channel = listen();
    check();
  });
  document.addEventListener("visibilitychange", () => document.hidden || check());

  const route = (path = "", to = "") => {
    const { href, origin } = new URL(to || location.href, document.baseURI);
    const local = origin === auth.origin ? href.slice(origin.length) : href;
    return `${auth}${path}?return_to=${encodeURIComponent(local)}`;
  };

  /** @param {string} tag @param {Record<string, string>} attributes @param {HTMLElement[]} children */
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const key in attributes) element.setAttribute(key, attributes[key] ?? "");
    element.append(...children);
    return element;
  };

  const askOfficial = () => {
    official = "asked";
    const decide = () => {
      if (official !== "asked") return;
      official = customElements.get(OFFICIAL) ? "here" : "absent";
      for (const element of elements) element.show();
    };
    setTimeout(decide, OFFICIAL_DEADLINE);
    customElements.whenDefined(OFFICIAL).then(decide);
    const script = make("script");
    script.onerror = decide;
    script.setAttribute("src", OFFICIAL_SCRIPT);
    document.head.append(script);
  };

  class VippsLogin extends HTMLElement {
    static observedAttributes = ["brand", "language", "verb", "return-to", "logout-to", "me", "official"];

    constructor() {
      super();
      const item = { part: "item", role: "menuitem", tabindex: "-1" };
      const link = make("a", { part: "button" });
      const theirs = make(OFFICIAL, { part: "official", branded: "true", stretched: "true" });
      const name = make("span", { part: "name" });
      const user = make("button", { id: "user", part: "user", "aria-haspopup": "menu" }, name);
      const page = make("a", { ...item, href: `${auth}me` });
      const leave = make("button", item);
      const form = make("form", { method: "post", role: "none" }, leave);
      const menu = make("div", { id: "menu", part: "menu", role: "menu" }, page, form);
      const outside = make("slot", { id: "out", name: "logged-out" }, link, theirs);
      const inside = make("slot", { id: "in", name: "logged-in" }, user, menu);
      const status = make("span", { role: "status" });
      const box = make("div", { id: "box" }, outside, inside, status);
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(box);

      /** @param {HTMLElement} [target] an item opens the menu; its button, or nothing, closes it */
      const go = (target) => {
        menu.hidden = !target || target === user;
        user.setAttribute("aria-expanded", `${!menu.hidden}`);
        target?.focus();
      };
      go();
      const first = () => (page.hidden ? leave : page);
      user.onmousedown = (event) => event.preventDefault(); // Safari would close the menu
      user.onclick = () => go(menu.hidden ? first() : user);
      inside.onkeydown = (event) => {
        if (menu.hidden && !/^Arrow/.test(event.key)) return;
        const top = first();
        const next = top.matches(":focus") ? leave : top;
        const target = new Map([
          ["ArrowDown", next],
          ["ArrowUp", menu.hidden ? leave : next],
          ["Home", top],
          ["End", leave],
          ["Escape", user],
          ["Tab", user], // and on from there
        ]).get(event.key);
        if (!target) return;
        if (event.key !== "Tab") event.preventDefault();
        go(target);
      };
      inside.addEventListener("focusout", ({ relatedTarget }) => {
        if (!(relatedTarget instanceof Node && inside.contains(relatedTarget))) go();
      });
      link.onclick = link.onauxclick = () => this.show(); // the page's address may have changed
      theirs.onclick = () => link.click();

      /** @returns {string} */
      this.spoken = () => {
        const asked = (this.getAttribute("language") || document.documentElement.lang).slice(0, 2);
        return asked in TEXTS ? asked : /n[bn]/.test(asked) ? "no" : "en";
      };
      this.show = (changed = false, announce = false) => {
        const get = (attribute = "", otherwise = "") => this.getAttribute(attribute) || otherwise;
        const language = this.spoken();
        const text = (index = 0) => TEXTS[language]?.split("|")[index] ?? "";
        const verb = get("verb", "login");
        const brand = get("brand") === "mobilepay" ? MOBILEPAY : "vipps";
        const wanted = this.hasAttribute("official");
        if (wanted && !official) askOfficial();
        // One page, one language: the component has it in common for all buttons.
        const first = [...elements].find((element) => element.hasAttribute("official"));
        const used =
          wanted && official === "here" && first?.spoken() === language && !(language === "fi" && misses);
        const known = session?.authenticated;

        box.lang = language;
        box.className = `${brand} ${known ? "in" : wanted && official === "asked" ? "" : "out"}`;
        link.className = used ? "under" : "";
        const label = text(Math.max(0, VERBS.indexOf(verb)));
        link.textContent = label + text(brand === "mobilepay" ? 4 : 3);
        link.setAttribute("href", route("login", get("return-to")));
        theirs.hidden = !used;
        theirs.setAttribute("brand", brand);
        theirs.setAttribute("verb", verb);
        theirs.setAttribute("language", language === "da" && misses === 1 ? "dk" : language);
        const tried = misses;
        const judge = () => {
          const shown = theirs.shadowRoot?.textContent;
          if (tried !== misses) return;
          const isEnglish = /log in|continue|register /i.test(shown ?? "");
          const right =
            language === "fi" ? !isEnglish : shown?.toLowerCase().includes(label.slice(0, 7).toLowerCase());
          if (!shown || right) {
            looks -= 1;
            if (looks > 0) setTimeout(judge, TEXT_DEADLINE); // its words may still be loading
            return;
          }
          misses += 1;
          for (const element of elements) element.show();
        };
        if (used && /da|fi/.test(language) && misses < 2) setTimeout(judge, TEXT_DEADLINE);
        if (!known) go();
        name.textContent = session?.user?.name || text(5);
        page.hidden = !this.hasAttribute("me");
        page.textContent = text(5);
        leave.textContent = text(6);
        form.setAttribute("action", route("logout", get("logout-to")));
        if (!changed) return;
        if (announce) status.textContent = (known ? name : link).textContent;
        this.dispatchEvent(
          new CustomEvent("login-change", { detail: session, bubbles: true, composed: true }),
        );
      };
    }

    /** The worker's last answer, if it has answered */
    get session() {
      return session;
    }

    connectedCallback() {
      elements.add(this);
      this.show(!!session);
    }

    disconnectedCallback() {
      elements.delete(this);
    }

    attributeChangedCallback() {
      this.show();
    }
  }
  customElements.define("vipps-login", VippsLogin);
  load();
})();
