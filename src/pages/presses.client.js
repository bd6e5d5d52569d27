// No press is taken that may have been meant for what lay over this page: docs/security.md, R29.
(() => {
  const SETTLE = 700; // milliseconds that the page has the reader's attention before a pointer may press
  const MOVED = 500; // milliseconds over which a mouse has moved here before it may answer a question
  const root = document.documentElement;
  let settling = 0;
  let settled = false;
  let firstMove = 0;
  let place = "";
  let moved = false;
  let meant = false;

  const setMoved = (/** @type {boolean} */ yes) => {
    moved = yes;
    root.classList.toggle("unmoved", !yes);
  };
  const stand = () => {
    firstMove = 0;
    setMoved(false);
  };
  const unsettle = () => {
    place = "";
    clearTimeout(settling);
    settling = 0;
    settled = false;
    root.classList.add("unsettled");
    stand();
  };
  const settle = () => {
    unsettle();
    settling = setTimeout(() => {
      settled = true;
      root.classList.remove("unsettled");
    }, SETTLE);
  };
  const look = () => (document.hasFocus() && !document.hidden ? settle() : unsettle());

  addEventListener("focus", settle);
  addEventListener("blur", unsettle);
  document.addEventListener("visibilitychange", look);
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    for (const form of document.forms) form.reset();
    look();
  });
  addEventListener("pointermove", ({ pointerType, clientX, clientY, timeStamp }) => {
    const here = `${clientX} ${clientY}`;
    // Browsers send a move of their own where something opens or closes under a pointer that stands still.
    if (pointerType !== "mouse" || !settling || here === place) return;
    // Nor does the first one say more than where the pointer stands, since it was over something else.
    const isKnown = place !== "";
    place = here;
    if (!isKnown) return;
    firstMove ||= timeStamp;
    if (!moved && timeStamp - firstMove >= MOVED) setMoved(true);
  });
  addEventListener(
    "pointerdown",
    ({ pointerType }) => {
      meant = settled && (moved || pointerType !== "mouse");
      if (pointerType === "mouse") stand();
      // Where nobody tells the page that it has the focus, a press does.
      if (!settling) settle();
    },
    true,
  );
  addEventListener(
    "keydown",
    (event) => {
      // A key that was held down on the page before.
      if (event.repeat && /^(Enter| )$/.test(event.key)) event.preventDefault();
      if (event.key === "Tab") root.classList.remove("unmoved");
    },
    true,
  );

  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (
    document.querySelectorAll("form.deliberate")
  )) {
    const tick = /** @type {HTMLElement} */ (form.querySelector(".tick"));
    const box = /** @type {HTMLInputElement} */ (form.elements.namedItem("confirm"));
    const armed = /** @type {HTMLInputElement} */ (form.elements.namedItem("armed"));
    const hint = /** @type {HTMLElement} */ (form.querySelector("[data-hint]"));
    tick.hidden = true;
    box.disabled = true;
    form.addEventListener("click", (event) => {
      const button = /** @type {Element} */ (event.target).closest("button");
      if (!button || button.formNoValidate) return;
      // Keys and assistive technology press without a pointer.
      const { pointerType = event.detail ? "mouse" : "" } = /** @type {PointerEvent} */ (event);
      const isMeant = pointerType ? meant : settled;
      meant = false;
      armed.value = isMeant ? "yes" : "";
      if (isMeant) return;
      event.preventDefault();
      hint.textContent = hint.dataset.hint ?? "";
    });
  }
  look();
})();
