import type { Texts } from "./texts.ts";

export const fi = (): Texts => ({
  messages: {
    cancelled: {
      title: "Peruutit kirjautumisen",
      happened: "Mitään tietoja ei jaettu, etkä ole kirjautunut sisään.",
      next: "Jos et tarkoittanut peruuttaa, yritä uudelleen.",
    },
    declined: {
      title: "Kirjautuminen keskeytettiin",
      happened: "Vastasit, että kyseessä et ollut sinä, joten emme kirjanneet ketään sisään.",
      next: "Lähettikö joku sinut tänne? Silloin voit sulkea tämän sivun. Jos haluat itse kirjautua sisään, aloita alusta.",
    },
    notShared: {
      title: "Et jakanut tietoja",
      happened:
        "Vastasit kieltävästi {brand}-palvelussa, joten mitään ei jaettu. Olet edelleen kirjautuneena.",
      next: "Palaa takaisin ja jatka ilman niitä, tai yritä uudelleen.",
    },
    wrongNumber: {
      title: "Numerot eivät täsmänneet",
      happened: "Sovelluksessa valittiin eri numero kuin näytöllä, joten kirjautuminen keskeytettiin.",
      next: "Yritä uudelleen ja valitse näytöllä näkyvä numero.",
    },
    appOutdated: {
      title: "{brand}-sovellus on päivitettävä",
      happened: "Puhelimesi sovellus on liian vanha kirjautumiseen.",
      next: "Päivitä {brand}-sovellus ja yritä uudelleen.",
    },
    rejected: {
      title: "Kirjautuminen jäi kesken",
      happened: "{brand} ei vahvistanut kirjautumista.",
      next: "Avaa {brand}-sovellus, katso onko siellä viestiä sinulle, ja yritä uudelleen.",
    },
    loginExpired: {
      title: "Tämä kirjautuminen ei ole enää voimassa",
      happened: "Kirjautuminen on tehtävä kymmenessä minuutissa, ja linkki toimii vain kerran.",
      next: "Aloita alusta. Se vie vain hetken.",
    },
    loginUsed: {
      title: "Tämä kirjautuminen on jo käytetty",
      happened: "Jokainen kirjautuminen toimii vain kerran. Olet ehkä jo kirjautunut sisään.",
      next: "Palaa sivustolle tai kirjaudu uudelleen.",
    },
    otherBrowser: {
      title: "Kirjautuminen palasi toiseen selaimeen",
      happened: "Se aloitettiin yhdessä selaimessa ja päättyi toiseen, eikä tämä sivusto hyväksy sitä.",
      next: "Aloita alusta tässä selaimessa ja palaa tänne {brand}-sovelluksesta.",
    },
    vippsUnavailable: {
      title: "{brand} ei vastaa juuri nyt",
      happened: "Emme saaneet yhteyttä {brand}-palveluun, joten kirjautuminen ei onnistunut.",
      next: "Odota minuutti ja yritä uudelleen.",
    },
    vippsMisunderstood: {
      title: "Jokin meni vikaan meidän ja {brand}-palvelun välillä",
      happened: "{brand}-palvelun vastausta ei voitu hyväksyä, joten emme kirjanneet sinua sisään.",
      next: "Yritä uudelleen. Jos ongelma toistuu, ota yhteyttä sivustoon {site} ja kerro alla oleva viite.",
    },
    siteMisconfigured: {
      title: "Kirjautumista ei ole määritetty oikein",
      happened: "Vika on sivustolla {site}, ei sinulla.",
      next: "Ota yhteyttä sivustoon {site} ja kerro alla oleva viite.",
    },
    termsDeclined: {
      title: "Et hyväksynyt ehtoja",
      happened:
        "Sivustolle {site} kirjautuminen edellyttää ehtojen hyväksymistä. Jos olet täällä uusi, sinusta ei tallennettu mitään.",
      next: "Kirjaudu uudelleen, jos muutat mielesi.",
    },
    notMember: {
      title: "Et ole vielä jäsen",
      happened:
        "{site} on avoinna vain niille, jotka on jo rekisteröity, emmekä löytäneet ketään puhelinnumerollasi tai sähköpostiosoitteellasi.",
      next: "Kysy sivustolta {site}, miten jäseneksi pääsee. Jos olet jo jäsen, kerro heille alla oleva viite, niin he löytävät sinut.",
    },
    accountUnclear: {
      title: "Olet ehkä jo rekisteröitynyt",
      happened:
        "Sivustolle {site} on rekisteröity joku puhelinnumerollasi tai sähköpostiosoitteellasi, mutta jokin ei täsmää.",
      next: "Ota yhteyttä sivustoon {site} ja kerro alla oleva viite, niin asia selviää.",
    },
    tryLater: {
      title: "Tämä ei onnistunut juuri nyt",
      happened: "Meillä on tilapäinen häiriö. Et ole kirjautunut sisään.",
      next: "Odota minuutti ja yritä uudelleen.",
    },
    tooMany: {
      title: "Liian monta yritystä",
      happened: "Verkostasi on tehty monta kirjautumista lyhyessä ajassa.",
      next: "Odota minuutti ja yritä uudelleen.",
    },
    tooManyChanges: {
      title: "Muutoksia tuli paljon lyhyessä ajassa",
      happened:
        "Olet muuttanut täällä jotain monta kertaa lyhyessä ajassa. Sitä ennen tekemäsi valinnat on tallennettu.",
      next: "Odota muutama minuutti ennen kuin muutat mitään lisää.",
    },
    notAllowed: {
      title: "Pysäytimme tämän turvallisuutesi vuoksi",
      happened: "Pyyntö tuli muulta sivustolta kuin {site}.",
      next: "Palaa sivustolle ja yritä sieltä uudelleen.",
    },
    notFound: {
      title: "Sivua ei löytynyt",
      happened: "Osoitetta ei ole olemassa.",
      next: "Tarkista, että osoite on kirjoitettu oikein.",
    },
    badRequest: {
      title: "Emme ymmärtäneet osoitetta",
      happened: "Se on puutteellinen tai muuttunut matkalla.",
      next: "Aloita kirjautuminen uudelleen sivustolta.",
    },
    badAddress: {
      title: "Osoitetta ei voi lukea",
      happened: "Siinä on merkkejä, jotka voi ymmärtää useammalla kuin yhdellä tavalla.",
      next: "Tarkista osoite tai palaa sivustolle.",
    },
    addressTooLong: {
      title: "Osoite on liian pitkä",
      happened: "Millään sivulla ei ole täällä näin pitkää osoitetta.",
      next: "Tarkista osoite tai palaa sivustolle.",
    },
    loginNeeded: {
      title: "Kirjaudu ensin sisään",
      happened: "Tämä vaatii kirjautumisen, etkä ole nyt kirjautuneena. Lähettämääsi ei ole tallennettu.",
      next: "Kirjaudu sisään ja yritä uudelleen.",
    },
    loginInFrame: {
      title: "Kirjaudu ensin sisään",
      happened: "Tämä osa sivusta on vain kirjautuneille, etkä ole nyt kirjautuneena.",
      next: "Kirjautuminen avautuu koko ikkunaan.",
    },
    cookiesNotKept: {
      title: "Selaimesi ei säilyttänyt evästettämme",
      happened:
        "Kirjautumista varten selaimen on säilytettävä sivuston {site} eväste, kunnes palaat {brand}-palvelusta. Selain ei lähettänyt sitä takaisin, joten et ole kirjautuneena.",
      next: "Salli evästeet sivustolle {site} tai käytä toista selainta tai muuta kuin yksityistä ikkunaa. Yritä sitten uudelleen.",
    },
    groupNeeded: {
      title: "Tämä sivu ei ole kaikille",
      happened: "Olet kirjautunut sisään, mutta sivun näkevät vain ryhmään kuuluvat: {value}.",
      next: "Pitäisikö sinun kuulua joukkoon? Kysy: {site} voi lisätä sinut ryhmään, ja sivu avautuu pian sen jälkeen (enintään {delay}).",
    },
    ageNeeded: {
      title: "Tällä sivulla on ikäraja",
      happened: "Sivu on tarkoitettu {value} vuotta täyttäneille, emmekä tiedä ikääsi.",
      next: "Kirjaudu vielä kerran ja vastaa kyllä, kun {brand} kysyy syntymäaikaasi. Merkitsemme muistiin vain, oletko tarpeeksi vanha.",
    },
    tooYoung: {
      title: "Et ole tarpeeksi vanha tälle sivulle",
      happened: "Sivu on tarkoitettu {value} vuotta täyttäneille.",
      next: "Palaa sivustolle. Kun olet tarpeeksi vanha, kirjaudu ulos ja uudelleen sisään.",
    },
    freshNeeded: {
      title: "Kirjaudu vielä kerran nähdäksesi sivun",
      happened: "Turvallisuussyistä sivu vaatii tuoreen kirjautumisen (enintään {time} vanha).",
      next: "Kirjaudu uudelleen, niin palaat suoraan tänne.",
    },
    appNeeded: {
      title: "Vahvista {brand}-sovelluksessa",
      happened: "Tällä sivulla sinun on vahvistettava {brand}-sovelluksessa, että se olet sinä.",
      next: "Jatka {brand}-palveluun, niin palaat suoraan tänne.",
    },
    siteUnavailable: {
      title: "Sivusto ei vastaa juuri nyt",
      happened: "Emme saaneet yhteyttä sivustoon {site}.",
      next: "Odota hetki ja lataa sivu uudelleen.",
    },
  },
  logIn: "Kirjaudu sisään",
  tryAgain: "Yritä uudelleen",
  help: "Tarvitsetko apua?",
  logOut: "Kirjaudu ulos",
  backToSite: "Takaisin sivustolle",
  continue: "Jatka",
  reference: "Viite",
  referenceHelp: "Kerro tämä asiakaspalvelulle, jos pyydät apua.",
  settingsHelp: "Nämä asetukset on korjattava. Ne on selitetty tiedostossa docs/configuration.md.",
  press: {
    tickFirst: "Rastita ruutu ensin.",
    tooSoon:
      "Se kävi vähän liian nopeasti. Odota hetki (hiirellä: liikuta osoitinta sivulla) ja paina uudelleen.",
  },
  loggedOut: {
    ask: "Kirjaudutaanko ulos?",
    how: "Kirjaudu ulos sivustolta {site} tässä selaimessa painamalla painiketta.",
    title: "Olet kirjautunut ulos",
    done: "Olet kirjautunut ulos sivustolta {site} tässä selaimessa.",
    again: "Kirjaudu uudelleen",
    shared:
      "Onko laite yhteiskäytössä? {brand} voi muistaa tässä selaimessa viimeksi kirjautuneen, eikä {site} voi muuttaa sitä. Poista tästä selaimesta {brand}-evästeet tai käytä yksityistä ikkunaa, niin seuraavan on annettava oma numeronsa.",
  },
  noTooLate: {
    title: "Olet jo kirjautunut sisään",
    yes: "Kyllä-vastaus annettiin ensin, joten kieltäytyminen tuli liian myöhään.",
    accepted: "Ehdot hyväksyttiin ensin, joten kieltäytyminen tuli liian myöhään.",
  },
  notYou:
    "Etkö tämä ole sinä? {brand} voi muistaa tässä selaimessa viimeksi kirjautuneen. Poista tästä selaimesta {brand}-evästeet tai käytä yksityistä ikkunaa ja aloita alusta.",
  me: {
    title: "Oma sivu",
    intro:
      "Nämä tiedot {site} on tallentanut sinusta. Nimi, puhelinnumero ja sähköpostiosoite tulevat {brand}-palvelusta ja päivittyvät aina, kun kirjaudut.",
    name: "Nimi",
    phone: "Puhelinnumero",
    email: "Sähköpostiosoite",
    address: "Osoite",
    birthdate: "Syntymäaika",
    memberNumber: "Jäsennumero",
    groups: "Ryhmät",
    accountId: "Tilin tunnus",
    purposes: {},
    since: "Tili luotu",
    consents: "Valintasi",
    saved: "Tallennettu.",
    save: "Tallenna valinnat",
    atVipps: "Nämä vastauksesi annoit {brand}-kirjautumisessa. Voit muuttaa mieltäsi milloin tahansa:",
    required:
      "{site} edellyttää tätä käyttäjiltään. Jos perut suostumuksen, {site} saa siitä tiedon ja voi sulkea tilisi.",
    terms: "Ehdot",
    accepted: "Versio {version}, hyväksytty {at}",
    sessions: "Missä olet kirjautuneena",
    download: "Lataa omat tietoni",
    erase: "Poista tilini",
    eraseHelp:
      "Kaikki, mitä {site} on tallentanut sinusta tänne, poistetaan pysyvästi, ja sinut kirjataan ulos kaikkialta.",
    eraseConfirm: "Kyllä, poista tilini ja kaikki siihen kuuluva",
    eraseSubmit: "Poista tilini",
    erasedTitle: "Tilisi on poistettu",
    erased:
      "{site} ei säilytä sinusta täällä enää mitään, lukuun ottamatta yhtä riviä, joka kertoo, milloin tili poistettiin. Sinut on kirjattu ulos kaikkialta.",
  },
  terms: {
    title: "Ennen kuin jatkat",
    titleAgain: "Ehdot ovat muuttuneet",
    lead: "Tervetuloa sivustolle {site}. Jotta voit kirjautua, sinun on hyväksyttävä ehdot.",
    leadAgain: "Sivustolla {site} on uudet ehdot. Jotta voit jatkaa, sinun on hyväksyttävä ne.",
    leadConsents: "Tervetuloa sivustolle {site}. Tämä on vapaaehtoista:",
    terms: "Ehdot",
    privacy: "Tietosuojaseloste",
    accept: "Olen lukenut ja hyväksyn ehdot",
    voluntary: "Jos haluat",
    voluntaryHelp: "Voit muuttaa mielesi milloin tahansa.",
    submit: "Hyväksy ja jatka",
    submitConsents: "Jatka",
    decline: "Ei kiitos",
    missing: "Hyväksy ehdot rastittamalla ruutu.",
  },
  proof: {
    title: "Olet ehkä jo rekisteröitynyt",
    name: "Sivustolle {site} on rekisteröity joku puhelinnumerollasi tai sähköpostiosoitteellasi, mutta eri nimellä kuin se, jonka {brand} tuntee. Numerot ja osoitteet vaihtavat omistajaa, joten emme ole avanneet sitä tiliä.",
    several:
      "Useammalla kuin yhdellä sivuston {site} tilillä on puhelinnumerosi tai sähköpostiosoitteesi, joten emme tiedä, mikä niistä on sinun.",
    taken:
      "Tili, jolla on sähköpostiosoitteesi, kuuluu jo jollekulle toiselle, joka kirjautuu {brand}-sovelluksella.",
    factLead: "Jos sinulla on täällä tili, osoita, että se on sinun. Tätä kysytään vain kerran.",
    factLabel: "Jäsennumero tai sivustolta {site} saamasi koodi",
    factSubmit: "Tämä tili on minun",
    wrong: "Tieto ei täsmää. Tarkista se ja yritä uudelleen.",
    exhausted: "Yrityksiä on ollut liian monta. Yritä huomenna uudelleen tai ota yhteyttä sivustoon {site}.",
    siteLead:
      "Jos sinulla on täällä tili, kirjaudu siihen kuten ennenkin. Sen jälkeen voit käyttää {brand}-kirjautumista.",
    siteTick: "Kyllä, se tili on minun",
    siteSubmit: "Kirjaudu vanhalla tavalla",
    newLead: "Jos sinulla ei ole koskaan ollut tiliä täällä, luo uusi. Vanhaan tiliin ei kosketa.",
    newTick: "Kyllä, haluan uuden tilin",
    newSubmit: "Olen uusi täällä",
    help: "Etkö ole varma? Ota yhteyttä sivustoon {site} ja kerro tämä viite, niin he voivat liittää oikean tilin puolestasi.",
  },
  confirm: {
    title: "Oletko tämä sinä?",
    who: "on kirjautumassa sivustolle {site} tässä selaimessa.",
    why: "Kirjautuminen aloitettiin toisessa selaimessa tai sovelluksessa ja palasi tänne, kuten puhelimella usein käy. Kysymme, jotta kukaan ei kirjaa sinua sisään jonakuna toisena.",
    warning:
      "Vastaa ei, jos et juuri itse kirjautunut {brand}-sovelluksella tai jos joku lähetti sinut tänne.",
    replaces: "{current} on nyt kirjautuneena tässä ja kirjataan ulos.",
    numberEnding: "Henkilö, jonka puhelinnumero päättyy numeroihin {digits},",
    somebody: "Joku",
    someone: "Joku muu",
    tick: "Kyllä, tämä olen minä",
    yes: "Kyllä, kirjaa minut sisään",
    no: "Ei, tämä en ole minä",
  },
  sessions: {
    title: "Laitteet, joilla olet kirjautuneena",
    intro:
      "Nämä laitteet ovat kirjautuneina sivustolle {site} sinun nimelläsi. Kirjaa ulos ne, joita et tunnista.",
    onlyHere: "Olet kirjautuneena sivustolle {site} vain tällä laitteella.",
    device: "{browser}, {system}",
    unknownDevice: "Tuntematon laite",
    thisDevice: "Tämä laite",
    usedNow: "Käytössä nyt",
    used: "Viimeksi käytetty {when}",
    begun: "Kirjautunut {when}",
    end: "Kirjaa ulos",
    endOthers: "Kirjaa ulos kaikki muut",
    endedOne: "Laite on kirjattu ulos. Voi kestää enintään {delay}, ennen kuin se näkyy laitteessa.",
    endedOthers:
      "Kaikki muut laitteet on kirjattu ulos. Voi kestää enintään {delay}, ennen kuin se näkyy niissä.",
  },
});
