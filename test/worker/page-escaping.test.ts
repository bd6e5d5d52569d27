import { expect, it } from "vitest";
import { confirmPage } from "../../src/pages/confirm-page.ts";
import { erasedPage } from "../../src/pages/erased-page.ts";
import { failurePage } from "../../src/pages/failure-page.ts";
import type { Html } from "../../src/pages/layout.ts";
import { loggedOutPage, logoutPage } from "../../src/pages/logged-out-page.ts";
import { myPage } from "../../src/pages/my-page.ts";
import { proofPage } from "../../src/pages/proof-page.ts";
import { sessionsPage } from "../../src/pages/sessions-page.ts";
import { accountPage } from "../../src/pages/support/account-page.ts";
import {
  erasePage,
  logPage,
  requestPage,
  resultsPage,
  supportPage,
} from "../../src/pages/support/support-pages.ts";
import { termsPage } from "../../src/pages/terms-page.ts";

/** Gets out of text by its tag, out of quoted attributes by either quote, out of unquoted ones by its spaces. */
const HOSTILE = `x" y' onclick=alert(1) <script>alert(1)</script> &amp;`;

const HOSTILE_FACE = {
  name: HOSTILE,
  contacts: [{ words: HOSTILE, href: HOSTILE }],
  logo: HOSTILE,
  icon: HOSTILE,
  accent: "#123456",
};
const context = {
  language: "en",
  brand: HOSTILE,
  siteName: HOSTILE,
  face: HOSTILE_FACE,
  nonce: "nonce",
} as const;
const person = { by: "name", name: HOSTILE } as const;
const login = {
  when: HOSTILE,
  loggedIn: false,
  outcome: HOSTILE,
  tell: HOSTILE,
  technical: HOSTILE,
  reference: HOSTILE,
  byBrowser: true,
};
const account = {
  id: HOSTILE,
  href: HOSTILE,
  name: HOSTILE,
  phone: HOSTILE,
  email: HOSTILE,
  memberNumber: HOSTILE,
  lastLogin: HOSTILE,
};
const request = { ...account, reference: HOSTILE, reason: HOSTILE, when: HOSTILE };
const deed = {
  when: HOSTILE,
  actor: HOSTILE,
  actorHref: HOSTILE,
  action: HOSTILE,
  details: HOSTILE,
  times: 2,
  accountHref: HOSTILE,
};
const elsewhere = { host: HOSTILE, href: HOSTILE, who: HOSTILE, contact: HOSTILE, last: HOSTILE };
const console = {
  ...context,
  home: HOSTILE,
  logoutAction: HOSTILE,
  notice: "corrected",
  isAgency: true,
} as const;
const consents = [true, false].map((changeable) => ({
  id: HOSTILE,
  wording: HOSTILE,
  granted: true,
  changeable,
}));

/** Every page, with a hostile value wherever it takes a text, and every part of it shown. */
const PAGES: Readonly<Record<string, () => Html>> = {
  failure: () =>
    failurePage({
      ...context,
      message: "groupNeeded",
      values: { brand: HOSTILE, site: HOSTILE, value: HOSTILE, delay: HOSTILE },
      further: [HOSTILE],
      isInFrame: false,
      reference: HOSTILE,
      retryHref: HOSTILE,
      siteHref: HOSTILE,
      resume: true,
      details: [HOSTILE],
    }),
  confirmation: () =>
    confirmPage({
      ...context,
      person,
      replaced: person,
      action: HOSTILE,
      attempt: HOSTILE,
      shownSession: HOSTILE,
      unticked: true,
    }),
  terms: () =>
    termsPage({
      ...context,
      terms: { url: HOSTILE, version: "2", changed: true },
      privacyUrl: HOSTILE,
      consents,
      missing: true,
      action: HOSTILE,
      attempt: HOSTILE,
    }),
  "proof by a fact": () => proofPage({ ...proof, proof: "fact" }),
  "proof at the site": () => proofPage({ ...proof, proof: "site" }),
  "one's own": () =>
    myPage({
      ...context,
      data: [{ label: HOSTILE, value: HOSTILE }],
      memberSince: HOSTILE,
      consents: [false, true].map((fromVipps) => ({
        consent: HOSTILE,
        wording: HOSTILE,
        language: HOSTILE,
        granted: true,
        required: true,
        fromVipps,
      })),
      terms: [{ version: HOSTILE, url: HOSTILE, at: HOSTILE }],
      privacyUrl: HOSTILE,
      saved: true,
      unconfirmed: true,
      canErase: true,
      authPath: HOSTILE,
    }),
  "erased account": () => erasedPage(context),
  "no too late": () => logoutPage({ ...context, action: HOSTILE, tooLate: "yes", siteHref: HOSTILE }),
  "logged out": () => loggedOutPage({ ...context, loginHref: HOSTILE }),
  sessions: () =>
    sessionsPage({
      ...context,
      sessions: [true, false].map((current) => ({
        id: HOSTILE,
        device: HOSTILE,
        isPhone: current,
        place: HOSTILE,
        current,
        lastUsed: HOSTILE,
        begun: HOSTILE,
      })),
      justEnded: "one",
      delay: HOSTILE,
      endAction: HOSTILE,
      logoutAction: HOSTILE,
    }),
  console: () =>
    supportPage({
      ...console,
      requests: [request],
      figures: {
        day: HOSTILE,
        hours: [{ hour: HOSTILE, loggedIn: 1, cancelled: 2, failed: 3 }],
        reasons: [{ title: HOSTILE, count: 1 }],
        previousHref: HOSTILE,
        nextHref: HOSTILE,
      },
    }),
  results: () =>
    resultsPage({ ...console, accounts: [account], isCut: true, login, request, elsewhere: [elsewhere] }),
  request: () => requestPage({ ...console, request, accounts: [account], unticked: true }),
  erasing: () => erasePage({ ...console, account, unticked: true }),
  "audit log": () => logPage({ ...console, deeds: [deed] }),
  account: () =>
    accountPage({
      ...console,
      account,
      facts: [{ label: HOSTILE, value: HOSTILE }],
      identities: [{ msn: HOSTILE, sub: HOSTILE, linked: HOSTILE, lastLogin: HOSTILE, revoked: HOSTILE }],
      sessions: [{ id: HOSTILE, device: HOSTILE, place: HOSTILE, used: HOSTILE, begun: HOSTILE }],
      delay: HOSTILE,
      logins: [login],
      requests: [request],
      terms: [HOSTILE],
      consents: [{ wording: HOSTILE, granted: true, when: HOSTILE }],
      deeds: [deed],
      groups: {
        choices: [{ name: HOSTILE, isIn: true, isStaff: true }],
        typed: HOSTILE,
        basis: HOSTILE,
        wrong: "name",
      },
      groupsHelp: HOSTILE,
      correction: {
        name: HOSTILE,
        phone: HOSTILE,
        email: HOSTILE,
        memberNumber: HOSTILE,
        wrong: "phone",
        basis: HOSTILE,
      },
    }),
};

const proof = {
  ...context,
  reason: "name",
  problem: "wrong",
  registration: "open",
  action: HOSTILE,
  attempt: HOSTILE,
  reference: HOSTILE,
  siteHref: HOSTILE,
} as const;

/** A tag whose attributes are all quoted, or stand without a value. */
const WELL_QUOTED = /^<(?:!doctype html|\/?[a-z]\w*(?: [\w-]+(?:="[^"<>]*")?)*\/?)>$/i;

it.each(Object.keys(PAGES))("the %s page lets no value out of its place", async (name) => {
  const page = String(await PAGES[name]?.())
    .replace(/<style.*?<\/style>/s, "")
    .replace(/<script nonce="[^"]*">.*<\/script>(?=\s*<\/body>)/s, "");
  const tags = (page.match(/<[^<>]*>?/g) ?? []).map((tag) => tag.replace(/\s+/g, " "));
  expect(tags.length).toBeGreaterThan(15);
  expect(tags.filter((tag) => !WELL_QUOTED.test(tag))).toEqual([]);
  expect(tags.filter((tag) => /^<\/?script|^<[^"]*onclick/i.test(tag.replace(/="[^"]*"/g, "")))).toEqual([]);
  expect(page).toContain("x&quot; y&#39; onclick=alert(1) &lt;script&gt;alert(1)&lt;/script&gt; &amp;amp;");
});
