import type { Texts } from "./texts.ts";

export const nb: Texts = {
  messages: {
    cancelled: {
      title: "Du avbrøt innloggingen",
      happened: "Ingenting er delt, og du er ikke logget inn.",
      next: "Var det ikke meningen, kan du bare prøve igjen.",
    },
    declined: {
      title: "Innloggingen er forkastet",
      happened: "Du svarte at det ikke var deg, så vi logget ingen inn.",
      next: "Var det noen som sendte deg hit? Da kan du lukke denne siden. Vil du logge inn selv, kan du starte på nytt.",
    },
    wrongNumber: {
      title: "Tallene stemte ikke",
      happened:
        "Det ble valgt et annet tall i appen enn det som sto på skjermen, så innloggingen ble stoppet.",
      next: "Prøv igjen og velg tallet du ser på skjermen.",
    },
    appOutdated: {
      title: "{brand}-appen må oppdateres",
      happened: "Appen på telefonen din er for gammel til å logge inn med.",
      next: "Oppdater {brand}-appen og prøv igjen.",
    },
    rejected: {
      title: "Innloggingen ble ikke fullført",
      happened: "{brand} bekreftet ikke innloggingen.",
      next: "Åpne {brand}-appen og se om den har en beskjed til deg, og prøv igjen.",
    },
    loginExpired: {
      title: "Denne innloggingen gjelder ikke lenger",
      happened: "En innlogging må fullføres innen ti minutter, og lenken virker bare én gang.",
      next: "Start på nytt. Det tar bare et øyeblikk.",
    },
    loginUsed: {
      title: "Denne innloggingen er allerede brukt",
      happened: "Hver innlogging virker bare én gang. Du er kanskje allerede logget inn.",
      next: "Gå tilbake til nettstedet, eller logg inn på nytt.",
    },
    otherBrowser: {
      title: "Innloggingen kom tilbake i en annen nettleser",
      happened:
        "Den ble startet i én nettleser og avsluttet i en annen, og det godtar ikke dette nettstedet.",
      next: "Start på nytt i denne nettleseren, og kom tilbake hit fra {brand}-appen.",
    },
    vippsUnavailable: {
      title: "{brand} svarer ikke akkurat nå",
      happened: "Vi fikk ikke kontakt med {brand}, så vi kunne ikke logge deg inn.",
      next: "Vent et minutt og prøv igjen.",
    },
    vippsMisunderstood: {
      title: "Noe gikk galt mellom oss og {brand}",
      happened: "Svaret fra {brand} kunne ikke godtas, så vi logget deg ikke inn.",
      next: "Prøv igjen. Skjer det på nytt, kontakt {site} og oppgi referansen under.",
    },
    siteMisconfigured: {
      title: "Innloggingen er ikke satt opp riktig",
      happened: "Feilen ligger hos {site}, ikke hos deg.",
      next: "Kontakt {site} og oppgi referansen under.",
    },
    termsDeclined: {
      title: "Du godtok ikke vilkårene",
      happened: "{site} må ha ditt ja til vilkårene før du kan logges inn. Ingenting er lagret om deg.",
      next: "Logg inn på nytt hvis du ombestemmer deg.",
    },
    notMember: {
      title: "Du er ikke medlem her ennå",
      happened:
        "{site} er bare åpent for dem som allerede er registrert, og vi fant ingen med telefonnummeret eller e-postadressen din.",
      next: "Spør {site} hvordan du blir medlem. Er du allerede det, oppgi referansen under, så finner de deg.",
    },
    accountUnclear: {
      title: "Vi er ikke sikre på hvilken konto som er din",
      happened:
        "Noen er registrert hos {site} med telefonnummeret eller e-postadressen din, men noe stemmer ikke.",
      next: "Kontakt {site} og oppgi referansen under, så ordner de opp.",
    },
    tryLater: {
      title: "Det gikk ikke akkurat nå",
      happened: "Noe er midlertidig galt hos oss. Du er ikke logget inn.",
      next: "Vent et minutt og prøv igjen.",
    },
    tooMany: {
      title: "For mange forsøk",
      happened: "Det har vært mange innlogginger fra nettverket ditt på kort tid.",
      next: "Vent et minutt og prøv igjen.",
    },
    notAllowed: {
      title: "Vi stoppet dette for din sikkerhet",
      happened: "Forespørselen kom fra et annet nettsted enn {site}.",
      next: "Gå tilbake til nettstedet og prøv igjen derfra.",
    },
    notFound: {
      title: "Her er det ingenting",
      happened: "Adressen finnes ikke.",
      next: "Gå tilbake til nettstedet.",
    },
    badRequest: {
      title: "Dette ga ikke mening",
      happened: "Adressen er ufullstendig eller endret på veien.",
      next: "Start innloggingen på nytt fra nettstedet.",
    },
    badAddress: {
      title: "Denne adressen kan ikke leses",
      happened: "Den inneholder tegn som kan forstås på mer enn én måte.",
      next: "Sjekk adressen, eller gå tilbake til nettstedet.",
    },
    loginNeeded: {
      title: "Du må logge inn først",
      happened: "Dette krever at du er logget inn, og det er du ikke nå. Det du sendte, er ikke lagret.",
      next: "Logg inn, og prøv en gang til.",
    },
    siteUnavailable: {
      title: "Nettstedet svarer ikke akkurat nå",
      happened: "Vi fikk ikke kontakt med {site}.",
      next: "Vent litt, og last siden på nytt.",
    },
  },
  logIn: "Logg inn",
  tryAgain: "Prøv igjen",
  backToSite: "Tilbake til nettstedet",
  continue: "Fortsett",
  reference: "Referanse",
  referenceHelp: "Oppgi denne til kundeservice hvis du ber om hjelp.",
  settingsTitle: "Innloggingen er ikke satt opp ennå",
  settingsHelp: "Disse innstillingene må rettes. De er forklart i docs/configuration.md.",
  terms: {
    title: "Før du går videre",
    titleAgain: "Vilkårene er endret",
    lead: "Velkommen til {site}. For å logges inn må du godta vilkårene.",
    leadAgain: "{site} har nye vilkår. For å gå videre må du godta dem.",
    leadConsents: "Velkommen til {site}. Du kan også si ja til dette:",
    terms: "Vilkår",
    privacy: "Personvern",
    accept: "Jeg har lest og godtar vilkårene",
    voluntary: "Hvis du vil",
    voluntaryHelp: "Du kan når som helst ombestemme deg.",
    submit: "Godta og fortsett",
    submitConsents: "Fortsett",
    decline: "Nei takk",
    missing: "Kryss av for å godta vilkårene.",
  },
  proof: {
    title: "Du er kanskje allerede registrert",
    name: "Noen er registrert hos {site} med telefonnummeret eller e-postadressen din, men under et annet navn enn det {brand} har på deg. Numre og adresser skifter eier, så vi har ikke åpnet den kontoen.",
    several:
      "Flere kontoer hos {site} har telefonnummeret eller e-postadressen din, så vi vet ikke hvilken som er din.",
    taken: "Kontoen med e-postadressen din tilhører allerede en annen som logger inn med {brand}.",
    factLead: "Har du en konto her, vis at den er din. Du blir bare spurt én gang.",
    factLabel: "Medlemsnummer, eller koden du fikk fra {site}",
    factSubmit: "Denne kontoen er min",
    wrong: "Det stemmer ikke. Se over og prøv igjen.",
    exhausted: "Det har vært for mange forsøk. Prøv igjen i morgen, eller kontakt {site}.",
    siteLead: "Har du en konto her, logg inn på den slik du pleide. Etter det kan du bruke {brand}.",
    siteSubmit: "Logg inn på gamlemåten",
    newLead: "Har du aldri hatt konto her, kan du lage en ny. Den gamle blir ikke rørt.",
    newSubmit: "Jeg er ny her",
    help: "Usikker? Kontakt {site} og oppgi denne referansen, så kan de koble til riktig konto for deg.",
  },
  confirm: {
    title: "Er dette deg?",
    who: "er i ferd med å bli logget inn på {site} i denne nettleseren.",
    why: "Innloggingen ble startet i en annen nettleser eller app og kom tilbake hit, slik det ofte skjer på telefon. Vi spør for at ingen skal logge deg inn som en annen.",
    warning: "Svar nei hvis du ikke nettopp logget inn med {brand} selv, eller hvis noen sendte deg hit.",
    replaces: "{current} er logget inn her nå, og blir logget ut.",
    numberEnding: "Den som har telefonnummeret som slutter på {digits},",
    somebody: "Noen",
    someone: "En annen",
    yes: "Ja, logg meg inn",
    no: "Nei, det er ikke meg",
  },
};
