import type { Texts } from "./texts.ts";

export const da: Texts = {
  messages: {
    cancelled: {
      title: "Du afbrød login",
      happened: "Intet er blevet delt, og du er ikke logget ind.",
      next: "Var det ikke meningen, kan du bare prøve igen.",
    },
    declined: {
      title: "Login er kasseret",
      happened: "Du svarede, at det ikke var dig, så vi loggede ingen ind.",
      next: "Var der nogen, der sendte dig hertil? Så kan du lukke siden. Vil du selv logge ind, kan du starte forfra.",
    },
    wrongNumber: {
      title: "Tallene passede ikke",
      happened: "Der blev valgt et andet tal i appen end det på skærmen, så login blev stoppet.",
      next: "Prøv igen, og vælg det tal, du ser på skærmen.",
    },
    appOutdated: {
      title: "{brand}-appen skal opdateres",
      happened: "Appen på din telefon er for gammel til at logge ind med.",
      next: "Opdater {brand}-appen, og prøv igen.",
    },
    rejected: {
      title: "Login blev ikke gennemført",
      happened: "{brand} bekræftede ikke dit login.",
      next: "Åbn {brand}-appen, og se, om den har en besked til dig. Prøv så igen.",
    },
    loginExpired: {
      title: "Dette login gælder ikke længere",
      happened: "Et login skal gennemføres inden for ti minutter, og linket virker kun én gang.",
      next: "Start forfra. Det tager kun et øjeblik.",
    },
    loginUsed: {
      title: "Dette login er allerede brugt",
      happened: "Hvert login virker kun én gang. Du er måske allerede logget ind.",
      next: "Gå tilbage til siden, eller log ind igen.",
    },
    otherBrowser: {
      title: "Login kom tilbage i en anden browser",
      happened: "Det blev startet i én browser og afsluttet i en anden, og det accepterer denne side ikke.",
      next: "Start forfra i denne browser, og vend tilbage hertil fra {brand}-appen.",
    },
    vippsUnavailable: {
      title: "{brand} svarer ikke lige nu",
      happened: "Vi kunne ikke få forbindelse til {brand}, så vi kunne ikke logge dig ind.",
      next: "Vent et minut, og prøv igen.",
    },
    vippsMisunderstood: {
      title: "Noget gik galt mellem os og {brand}",
      happened: "Svaret fra {brand} kunne ikke godkendes, så vi loggede dig ikke ind.",
      next: "Prøv igen. Sker det igen, så kontakt {site} og oplys referencen nedenfor.",
    },
    siteMisconfigured: {
      title: "Login er ikke sat rigtigt op",
      happened: "Fejlen ligger hos {site}, ikke hos dig.",
      next: "Kontakt {site}, og oplys referencen nedenfor.",
    },
    termsDeclined: {
      title: "Du accepterede ikke vilkårene",
      happened: "{site} skal have dit ja til vilkårene, før du kan logges ind. Intet er gemt om dig.",
      next: "Log ind igen, hvis du ombestemmer dig.",
    },
    notMember: {
      title: "Du er ikke medlem her endnu",
      happened:
        "{site} er kun åbent for dem, der allerede er registreret, og vi fandt ingen med dit telefonnummer eller din e-mailadresse.",
      next: "Spørg {site}, hvordan du bliver medlem. Er du det allerede, så oplys referencen nedenfor, så finder de dig.",
    },
    accountUnclear: {
      title: "Vi er ikke sikre på, hvilken konto der er din",
      happened:
        "Nogen er registreret hos {site} med dit telefonnummer eller din e-mailadresse, men noget passer ikke.",
      next: "Kontakt {site} og oplys referencen nedenfor, så finder de ud af det.",
    },
    tryLater: {
      title: "Det lykkedes ikke lige nu",
      happened: "Noget er midlertidigt galt hos os. Du er ikke logget ind.",
      next: "Vent et minut, og prøv igen.",
    },
    tooMany: {
      title: "For mange forsøg",
      happened: "Der har været mange login fra dit netværk på kort tid.",
      next: "Vent et minut, og prøv igen.",
    },
    notAllowed: {
      title: "Vi stoppede dette for din sikkerhed",
      happened: "Forespørgslen kom fra en anden hjemmeside end {site}.",
      next: "Gå tilbage til siden, og prøv igen derfra.",
    },
    notFound: {
      title: "Her er ikke noget",
      happened: "Adressen findes ikke.",
      next: "Gå tilbage til siden.",
    },
    badRequest: {
      title: "Det gav ikke mening",
      happened: "Adressen er ufuldstændig eller ændret undervejs.",
      next: "Start login igen fra siden.",
    },
    badAddress: {
      title: "Adressen kan ikke læses",
      happened: "Den indeholder tegn, der kan forstås på mere end én måde.",
      next: "Tjek adressen, eller gå tilbage til siden.",
    },
    loginNeeded: {
      title: "Du skal logge ind først",
      happened: "Det her kræver, at du er logget ind, og det er du ikke nu. Det, du sendte, er ikke gemt.",
      next: "Log ind, og prøv en gang til.",
    },
    siteUnavailable: {
      title: "Siden svarer ikke lige nu",
      happened: "Vi kunne ikke få kontakt med {site}.",
      next: "Vent lidt, og indlæs siden igen.",
    },
  },
  logIn: "Log ind",
  tryAgain: "Prøv igen",
  backToSite: "Tilbage til siden",
  continue: "Fortsæt",
  reference: "Reference",
  referenceHelp: "Oplys denne til kundeservice, hvis du beder om hjælp.",
  settingsTitle: "Login er ikke sat op endnu",
  settingsHelp: "Disse indstillinger skal rettes. De er forklaret i docs/configuration.md.",
  terms: {
    title: "Før du går videre",
    titleAgain: "Vilkårene er ændret",
    lead: "Velkommen til {site}. For at blive logget ind skal du acceptere vilkårene.",
    leadAgain: "{site} har nye vilkår. For at gå videre skal du acceptere dem.",
    leadConsents: "Velkommen til {site}. Du kan også sige ja til dette:",
    terms: "Vilkår",
    privacy: "Privatliv",
    accept: "Jeg har læst og accepterer vilkårene",
    voluntary: "Hvis du vil",
    voluntaryHelp: "Du kan til enhver tid ombestemme dig.",
    submit: "Acceptér og fortsæt",
    submitConsents: "Fortsæt",
    decline: "Nej tak",
    missing: "Sæt kryds for at acceptere vilkårene.",
  },
  proof: {
    title: "Du er måske allerede registreret",
    name: "Nogen er registreret hos {site} med dit telefonnummer eller din e-mailadresse, men under et andet navn end det, {brand} har på dig. Numre og adresser skifter ejer, så vi har ikke åbnet den konto.",
    several:
      "Flere konti hos {site} har dit telefonnummer eller din e-mailadresse, så vi ved ikke, hvilken der er din.",
    taken: "Kontoen med din e-mailadresse tilhører allerede en anden, der logger ind med {brand}.",
    factLead: "Har du en konto her, så vis, at den er din. Du bliver kun spurgt én gang.",
    factLabel: "Medlemsnummer eller den kode, du fik fra {site}",
    factSubmit: "Denne konto er min",
    wrong: "Det passer ikke. Tjek det, og prøv igen.",
    exhausted: "Der har været for mange forsøg. Prøv igen i morgen, eller kontakt {site}.",
    siteLead: "Har du en konto her, så log ind på den, som du plejede. Derefter kan du bruge {brand}.",
    siteSubmit: "Log ind på den gamle måde",
    newLead: "Har du aldrig haft en konto her, kan du oprette en ny. Den gamle bliver ikke rørt.",
    newSubmit: "Jeg er ny her",
    help: "Er du i tvivl? Kontakt {site}, og oplys denne reference, så kan de tilknytte den rigtige konto for dig.",
  },
  confirm: {
    title: "Er det dig?",
    who: "er ved at blive logget ind på {site} i denne browser.",
    why: "Login blev startet i en anden browser eller app og kom tilbage hertil, som det ofte sker på en telefon. Vi spørger, for at ingen skal logge dig ind som en anden.",
    warning:
      "Svar nej, hvis du ikke lige selv har logget ind med {brand}, eller hvis nogen har sendt dig hertil.",
    replaces: "{current} er logget ind her nu og bliver logget ud.",
    numberEnding: "Den, der har telefonnummeret, som ender på {digits},",
    somebody: "Nogen",
    someone: "En anden",
    yes: "Ja, log mig ind",
    no: "Nej, det er ikke mig",
  },
};
