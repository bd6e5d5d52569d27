/** What the pages of a new site say, by language; they are the owner's to change. */
export const WORDS = {
  nb: {
    logIn: "Logg inn med Vipps",
    welcome: "Velkommen",
    about: "Dette er forsiden. Alle kan se den.",
    toMembers: "Til medlemssidene",
    members: "For medlemmer",
    onlyMembers: "Denne siden ser bare den som er logget inn.",
    notHere: "Siden finnes ikke",
    toStart: "Til forsiden",
  },
  da: {
    logIn: "Log ind med MobilePay",
    welcome: "Velkommen",
    about: "Dette er forsiden. Alle kan se den.",
    toMembers: "Til medlemssiderne",
    members: "For medlemmer",
    onlyMembers: "Denne side ser kun den, der er logget ind.",
    notHere: "Siden findes ikke",
    toStart: "Til forsiden",
  },
  sv: {
    logIn: "Logga in med Vipps",
    welcome: "Välkommen",
    about: "Det här är startsidan. Alla kan se den.",
    toMembers: "Till medlemssidorna",
    members: "För medlemmar",
    onlyMembers: "Den här sidan ser bara den som är inloggad.",
    notHere: "Sidan finns inte",
    toStart: "Till startsidan",
  },
  fi: {
    logIn: "Kirjaudu sisään MobilePaylla",
    welcome: "Tervetuloa",
    about: "Tämä on etusivu. Se näkyy kaikille.",
    toMembers: "Jäsensivuille",
    members: "Jäsenille",
    onlyMembers: "Tämän sivun näkee vain kirjautunut.",
    notHere: "Sivua ei ole",
    toStart: "Etusivulle",
  },
  en: {
    logIn: "Log in with Vipps",
    welcome: "Welcome",
    about: "This is the front page. Everybody can see it.",
    toMembers: "To the members’ pages",
    members: "For members",
    onlyMembers: "Only those who are logged in can see this page.",
    notHere: "There is no such page",
    toStart: "To the front page",
  },
} as const;

export type SiteLanguage = keyof typeof WORDS;

export const SITE_LANGUAGES = Object.keys(WORDS) as readonly SiteLanguage[];
