import type { Texts } from "./texts.ts";

export const sv: Texts = {
  messages: {
    cancelled: {
      title: "Du avbröt inloggningen",
      happened: "Ingenting har delats och du är inte inloggad.",
      next: "Var det inte meningen kan du bara försöka igen.",
    },
    declined: {
      title: "Inloggningen har kastats",
      happened: "Du svarade att det inte var du, så vi loggade inte in någon.",
      next: "Var det någon som skickade dig hit? Då kan du stänga sidan. Vill du logga in själv kan du börja om.",
    },
    wrongNumber: {
      title: "Siffrorna stämde inte",
      happened: "Ett annat nummer valdes i appen än det som visades på skärmen, så inloggningen stoppades.",
      next: "Försök igen och välj numret du ser på skärmen.",
    },
    appOutdated: {
      title: "{brand}-appen behöver uppdateras",
      happened: "Appen i din telefon är för gammal för att logga in med.",
      next: "Uppdatera {brand}-appen och försök igen.",
    },
    rejected: {
      title: "Inloggningen slutfördes inte",
      happened: "{brand} bekräftade inte inloggningen.",
      next: "Öppna {brand}-appen och se om den har ett meddelande till dig, och försök sedan igen.",
    },
    loginExpired: {
      title: "Den här inloggningen gäller inte längre",
      happened: "En inloggning måste slutföras inom tio minuter och länken fungerar bara en gång.",
      next: "Börja om. Det tar bara ett ögonblick.",
    },
    loginUsed: {
      title: "Den här inloggningen är redan använd",
      happened: "Varje inloggning fungerar bara en gång. Du kanske redan är inloggad.",
      next: "Gå tillbaka till webbplatsen eller logga in igen.",
    },
    otherBrowser: {
      title: "Inloggningen kom tillbaka i en annan webbläsare",
      happened:
        "Den startades i en webbläsare och avslutades i en annan, och det godtar inte den här webbplatsen.",
      next: "Börja om i den här webbläsaren och gå tillbaka hit från {brand}-appen.",
    },
    vippsUnavailable: {
      title: "{brand} svarar inte just nu",
      happened: "Vi fick ingen kontakt med {brand}, så vi kunde inte logga in dig.",
      next: "Vänta en minut och försök igen.",
    },
    vippsMisunderstood: {
      title: "Något gick fel mellan oss och {brand}",
      happened: "Svaret från {brand} kunde inte godtas, så vi loggade inte in dig.",
      next: "Försök igen. Händer det igen, kontakta {site} och uppge referensen nedan.",
    },
    siteMisconfigured: {
      title: "Inloggningen är inte rätt inställd",
      happened: "Felet ligger hos {site}, inte hos dig.",
      next: "Kontakta {site} och uppge referensen nedan.",
    },
    termsDeclined: {
      title: "Du godkände inte villkoren",
      happened: "{site} behöver ditt ja till villkoren innan du kan loggas in. Ingenting har sparats om dig.",
      next: "Logga in igen om du ändrar dig.",
    },
    notMember: {
      title: "Du är inte medlem här än",
      happened:
        "{site} är bara öppet för dem som redan är registrerade, och vi hittade ingen med ditt telefonnummer eller din e-postadress.",
      next: "Fråga {site} hur du blir medlem. Är du redan det, uppge referensen nedan så hittar de dig.",
    },
    accountUnclear: {
      title: "Vi är inte säkra på vilket konto som är ditt",
      happened:
        "Någon är registrerad hos {site} med ditt telefonnummer eller din e-postadress, men något stämmer inte.",
      next: "Kontakta {site} och uppge referensen nedan, så reder de ut det.",
    },
    tryLater: {
      title: "Det gick inte just nu",
      happened: "Något är tillfälligt fel hos oss. Du är inte inloggad.",
      next: "Vänta en minut och försök igen.",
    },
    tooMany: {
      title: "För många försök",
      happened: "Det har varit många inloggningar från ditt nätverk på kort tid.",
      next: "Vänta en minut och försök igen.",
    },
    notAllowed: {
      title: "Vi stoppade detta för din säkerhet",
      happened: "Begäran kom från en annan webbplats än {site}.",
      next: "Gå tillbaka till webbplatsen och försök igen därifrån.",
    },
    notFound: {
      title: "Här finns ingenting",
      happened: "Adressen finns inte.",
      next: "Gå tillbaka till webbplatsen.",
    },
    badRequest: {
      title: "Det där gick inte att förstå",
      happened: "Adressen är ofullständig eller har ändrats på vägen.",
      next: "Börja om inloggningen från webbplatsen.",
    },
    badAddress: {
      title: "Adressen går inte att läsa",
      happened: "Den innehåller tecken som kan förstås på mer än ett sätt.",
      next: "Kontrollera adressen, eller gå tillbaka till webbplatsen.",
    },
    loginNeeded: {
      title: "Du behöver logga in först",
      happened: "Det här kräver att du är inloggad, och det är du inte nu. Det du skickade har inte sparats.",
      next: "Logga in och försök en gång till.",
    },
    siteUnavailable: {
      title: "Webbplatsen svarar inte just nu",
      happened: "Vi fick ingen kontakt med {site}.",
      next: "Vänta en stund och ladda sidan på nytt.",
    },
  },
  logIn: "Logga in",
  tryAgain: "Försök igen",
  backToSite: "Tillbaka till webbplatsen",
  continue: "Fortsätt",
  reference: "Referens",
  referenceHelp: "Uppge den till kundtjänst om du ber om hjälp.",
  settingsTitle: "Inloggningen är inte inställd ännu",
  settingsHelp: "Dessa inställningar måste rättas. De förklaras i docs/configuration.md.",
  terms: {
    title: "Innan du går vidare",
    titleAgain: "Villkoren har ändrats",
    lead: "Välkommen till {site}. För att loggas in behöver du godkänna villkoren.",
    leadAgain: "{site} har nya villkor. För att gå vidare behöver du godkänna dem.",
    leadConsents: "Välkommen till {site}. Du kan också säga ja till det här:",
    terms: "Villkor",
    privacy: "Integritet",
    accept: "Jag har läst och godkänner villkoren",
    voluntary: "Om du vill",
    voluntaryHelp: "Du kan ändra dig när som helst.",
    submit: "Godkänn och fortsätt",
    submitConsents: "Fortsätt",
    decline: "Nej tack",
    missing: "Kryssa i rutan för att godkänna villkoren.",
  },
  proof: {
    title: "Du är kanske redan registrerad",
    name: "Någon är registrerad hos {site} med ditt telefonnummer eller din e-postadress, men under ett annat namn än det {brand} har för dig. Nummer och adresser byter ägare, så vi har inte öppnat det kontot.",
    several:
      "Flera konton hos {site} har ditt telefonnummer eller din e-postadress, så vi vet inte vilket som är ditt.",
    taken: "Kontot med din e-postadress tillhör redan någon annan som loggar in med {brand}.",
    factLead: "Har du ett konto här, visa att det är ditt. Du blir bara tillfrågad en gång.",
    factLabel: "Medlemsnummer, eller koden du fick från {site}",
    factSubmit: "Det här kontot är mitt",
    wrong: "Det stämmer inte. Kontrollera och försök igen.",
    exhausted: "Det har varit för många försök. Försök igen i morgon, eller kontakta {site}.",
    siteLead: "Har du ett konto här, logga in på det som du brukade. Sedan kan du använda {brand}.",
    siteSubmit: "Logga in på det gamla sättet",
    newLead: "Har du aldrig haft ett konto här kan du skapa ett nytt. Det gamla rörs inte.",
    newSubmit: "Jag är ny här",
    help: "Osäker? Kontakta {site} och uppge den här referensen, så kan de koppla rätt konto åt dig.",
  },
  confirm: {
    title: "Är det här du?",
    who: "är på väg att loggas in på {site} i den här webbläsaren.",
    why: "Inloggningen startades i en annan webbläsare eller app och kom tillbaka hit, som det ofta blir på en telefon. Vi frågar för att ingen ska logga in dig som någon annan.",
    warning: "Svara nej om du inte nyss själv loggade in med {brand}, eller om någon skickade dig hit.",
    replaces: "{current} är inloggad här nu och kommer att loggas ut.",
    numberEnding: "Den som har telefonnumret som slutar på {digits}",
    somebody: "Någon",
    someone: "Någon annan",
    yes: "Ja, logga in mig",
    no: "Nej, det är inte jag",
  },
};
