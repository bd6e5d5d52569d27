import type { Texts } from "./texts.ts";

export const en = (): Texts => ({
  messages: {
    cancelled: {
      title: "You cancelled the login",
      happened: "Nothing has been shared, and you are not logged in.",
      next: "If that was not what you meant, just try again.",
    },
    declined: {
      title: "We stopped that login",
      happened: "You answered that it was not you, so we did not log anybody in.",
      next: "Did somebody send you here? Then close this page. If you want to log in yourself, start again.",
    },
    notShared: {
      title: "You did not share that",
      happened: "You said no at {brand}, so nothing has been shared. You are still logged in.",
      next: "Go back and carry on without it, or try again.",
    },
    wrongNumber: {
      title: "The numbers did not match",
      happened:
        "Another number was picked in the app than the one shown on the screen, so the login was stopped.",
      next: "Try again and pick the number you see on the screen.",
    },
    appOutdated: {
      title: "Your {brand} app needs an update",
      happened: "The version of the app on your phone is too old to log in with.",
      next: "Update the {brand} app, then try again.",
    },
    rejected: {
      title: "The login was not completed",
      happened: "{brand} did not confirm the login.",
      next: "Open the {brand} app to see whether it has a message for you, then try again.",
    },
    loginExpired: {
      title: "This login is no longer valid",
      happened: "A login must be finished within ten minutes, and its link works only once.",
      next: "Start again. It only takes a moment.",
    },
    loginUsed: {
      title: "This login has already been used",
      happened: "Every login works only once. You may be logged in already.",
      next: "Go back to the site, or log in again.",
    },
    otherBrowser: {
      title: "The login came back in another browser",
      happened: "It was started in one browser and ended in another, and this site does not accept that.",
      next: "Start again in this browser, and return to it from the {brand} app.",
    },
    vippsUnavailable: {
      title: "{brand} is not answering right now",
      happened: "We could not reach {brand}, so we could not log you in.",
      next: "Wait a minute and try again.",
    },
    vippsMisunderstood: {
      title: "Something went wrong between us and {brand}",
      happened: "The answer from {brand} could not be accepted, so we did not log you in.",
      next: "Try again. If it happens again, contact {site} with the reference below.",
    },
    siteMisconfigured: {
      title: "The login is not set up correctly",
      happened: "This is a fault at {site}, not at your end.",
      next: "Please contact {site} with the reference below.",
    },
    termsDeclined: {
      title: "You did not accept the terms",
      happened:
        "You need to accept the terms to log in to {site}. If you are new here, nothing has been kept about you.",
      next: "Log in again if you change your mind.",
    },
    notMember: {
      title: "You are not a member here yet",
      happened:
        "{site} is only open to people who are already registered, and we found nobody with your phone number or email address.",
      next: "Ask {site} how to become a member. If you are one, give them the reference below: they can find you.",
    },
    accountUnclear: {
      title: "You may already be registered",
      happened:
        "Somebody is registered at {site} with your phone number or email address, but something about it does not match.",
      next: "Contact {site} with the reference below, and they will sort it out.",
    },
    tryLater: {
      title: "We could not finish that just now",
      happened: "We have a passing problem. You have not been logged in.",
      next: "Wait a minute and try again.",
    },
    tooMany: {
      title: "Too many attempts",
      happened: "There have been many logins from your network in a short time.",
      next: "Wait a minute and try again.",
    },
    tooManyChanges: {
      title: "That was many changes at once",
      happened:
        "You have changed something here many times in a short time. What you chose before this is kept.",
      next: "Wait a few minutes before you change anything more.",
    },
    notAllowed: {
      title: "That was stopped for your safety",
      happened: "The request came from another website than {site}.",
      next: "Go back to the site and try again from there.",
    },
    notFound: {
      title: "Page not found",
      happened: "The address does not exist.",
      next: "Check how the address is spelled.",
    },
    badRequest: {
      title: "We did not understand the address",
      happened: "It is incomplete or was changed on the way.",
      next: "Start the login again from the site.",
    },
    badAddress: {
      title: "This address cannot be read",
      happened: "It contains characters that can be understood in more than one way.",
      next: "Check the address, or go back to the site.",
    },
    addressTooLong: {
      title: "This address is too long",
      happened: "No page here has an address as long as this one.",
      next: "Check the address, or go back to the site.",
    },
    loginNeeded: {
      title: "You need to log in first",
      happened:
        "This is for people who are logged in, and you are not logged in now. Nothing you sent has been saved.",
      next: "Log in, then try once more.",
    },
    loginInFrame: {
      title: "You need to log in first",
      happened: "This part of the page is only for people who are logged in, and you are not logged in now.",
      next: "The login opens in the whole window.",
    },
    cookiesNotKept: {
      title: "Your browser did not keep our cookie",
      happened:
        "To log in, your browser has to keep a cookie of {site} until you come back from {brand}. It did not send it back, so you are not logged in.",
      next: "Allow cookies for {site}, or use another browser or a window that is not private. Then try again.",
    },
    groupNeeded: {
      title: "This page is not for everybody",
      happened: "You are logged in, but only people in {value} may see this page.",
      next: "If you should be among them, ask {site}: they can add you, and the page opens within {delay}.",
    },
    ageNeeded: {
      title: "This page has an age limit",
      happened: "It is for people who have turned {value}, and we do not know how old you are.",
      next: "Log in once more and say yes when {brand} asks for your date of birth. We only note whether you are old enough.",
    },
    tooYoung: {
      title: "You are not old enough for this page",
      happened: "It is for people who have turned {value}.",
      next: "Go back to the site. When you are old enough, log out and in again.",
    },
    freshNeeded: {
      title: "Log in once more to see this page",
      happened: "To be safe, this page asks for a login that is at most {time} old.",
      next: "Log in again, and you come straight back here.",
    },
    appNeeded: {
      title: "Confirm in the {brand} app",
      happened: "This page asks you to confirm in the {brand} app that it is you.",
      next: "Go on to {brand}, and you come straight back here.",
    },
    siteUnavailable: {
      title: "The site is not answering right now",
      happened: "We could not reach {site}.",
      next: "Wait a moment, then load the page again.",
    },
  },
  logIn: "Log in",
  tryAgain: "Try again",
  help: "Need help?",
  logOut: "Log out",
  backToSite: "Back to the site",
  continue: "Continue",
  reference: "Reference",
  referenceHelp: "Give this to customer service if you ask for help.",
  settingsHelp: "These settings need attention. They are explained in docs/configuration.md.",
  press: {
    tickFirst: "Tick the box first.",
    tooSoon:
      "That was a little quick. Wait a moment, with a mouse while you move the pointer over this page, then press again.",
  },
  loggedOut: {
    ask: "Log out?",
    how: "Press the button to log out of {site} in this browser.",
    title: "You are logged out",
    done: "You are logged out of {site} in this browser.",
    again: "Log in again",
    shared:
      "Do you share this computer? {brand} may remember whoever logged in last in this browser, and {site} cannot change that. Delete the cookies from {brand} in this browser, or use a private window, and the next person has to give their own number.",
  },
  noTooLate: {
    title: "You are logged in already",
    yes: "This login was answered with yes first, so your no came too late.",
    accepted: "The terms were accepted first, so your no came too late.",
  },
  notYou:
    "Not you? {brand} may remember whoever logged in last in this browser. Delete the cookies from {brand} in this browser, or use a private window, and start again.",
  me: {
    title: "My page",
    intro:
      "This is what {site} knows about you. Name, phone number and email address come from {brand} and are brought up to date each time you log in.",
    name: "Name",
    phone: "Phone number",
    email: "Email address",
    address: "Address",
    birthdate: "Date of birth",
    memberNumber: "Member number",
    groups: "Groups",
    accountId: "Account id",
    purposes: {},
    since: "Account created",
    consents: "Your choices",
    saved: "Saved.",
    save: "Save choices",
    atVipps: "You answered these at {brand}. You can change your mind at any time:",
    required:
      "{site} requires this of everyone with an account. If you withdraw it, {site} will see that and may close your account.",
    terms: "Terms",
    accepted: "Version {version}, accepted {at}",
    sessions: "Where you are logged in",
    download: "Download everything",
    erase: "Delete my account",
    eraseHelp:
      "Everything {site} keeps about you here is deleted for good, and you are logged out everywhere.",
    eraseConfirm: "Yes, delete my account and everything with it",
    eraseSubmit: "Delete my account",
    erasedTitle: "Your account is deleted",
    erased:
      "{site} keeps nothing about you here any more, but for one line that says when an account was deleted. You are logged out everywhere.",
  },
  terms: {
    title: "Before you go on",
    titleAgain: "The terms have changed",
    lead: "Welcome to {site}. To be logged in you need to accept the terms.",
    leadAgain: "{site} has new terms. To go on you need to accept them.",
    leadConsents: "Welcome to {site}. This is voluntary:",
    terms: "Terms and conditions",
    privacy: "Privacy policy",
    accept: "I have read and accept the terms and conditions",
    voluntary: "If you like",
    voluntaryHelp: "You can change your mind at any time.",
    submit: "Accept and continue",
    submitConsents: "Continue",
    decline: "No thanks",
    missing: "Tick the box to accept the terms.",
  },
  proof: {
    title: "You may already be registered",
    name: "Someone is registered at {site} with your phone number or email address, but under a different name from the one {brand} has for you. Numbers and addresses change hands, so we have not opened that account.",
    several:
      "More than one account at {site} has your phone number or email address, so we cannot tell which one is yours.",
    taken: "The account with your email address already belongs to someone else who logs in with {brand}.",
    factLead: "If you have an account here, show that it is yours. You will only be asked this once.",
    factLabel: "Member number, or the code you got from {site}",
    factSubmit: "This account is mine",
    wrong: "That does not fit. Check it and try again.",
    exhausted: "There have been too many attempts. Try again tomorrow, or contact {site}.",
    siteLead:
      "If you have an account here, log in to it the way you used to. After that you can use {brand}.",
    siteTick: "Yes, that account is mine",
    siteSubmit: "Log in the old way",
    newLead: "If you have never had an account here, make a new one. The old one is not touched.",
    newTick: "Yes, I want a new account",
    newSubmit: "I am new here",
    help: "Not sure? Contact {site} and give this reference. They can connect the right account for you.",
  },
  confirm: {
    title: "Is this you?",
    who: "is about to be logged in to {site} in this browser.",
    why: "The login was started in another browser or app and came back here, as often happens on a phone. We ask so that nobody logs you in as someone else.",
    warning: "Answer no if you did not just log in with {brand} yourself, or if somebody sent you here.",
    replaces: "{current} is logged in here now, and will be logged out.",
    numberEnding: "The owner of the phone number ending in {digits}",
    somebody: "Somebody",
    someone: "Somebody else",
    tick: "Yes, this is me",
    yes: "Yes, log me in",
    no: "No, this is not me",
  },
  sessions: {
    title: "Where you are logged in",
    intro: "These devices are logged in to {site} as you. Log out any that you do not recognise.",
    onlyHere: "You are logged in to {site} on this device only.",
    device: "{browser} on {system}",
    unknownDevice: "Unknown device",
    thisDevice: "This device",
    usedNow: "In use now",
    used: "Last used {when}",
    begun: "Logged in {when}",
    end: "Log out",
    endOthers: "Log out everywhere else",
    endedOne: "That device is logged out. It may take up to {delay} before it notices.",
    endedOthers: "All other devices are logged out. It may take up to {delay} before they notice.",
  },
});
