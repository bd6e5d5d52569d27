/**
 * What the demo site shows off, written into a new `.dev.vars` of this repository: its name and face, who may see what
 * of it, what it asks for and when, and who is at the desk (`examples/member-list` puts somebody there).
 * @type {Readonly<Record<string, string>>}
 */
export const DEMO_SETTINGS = {
  SITE_NAME: "Svaberget Badelag",
  SUPPORT_CONTACT: "+47 22 33 44 55, post@svaberget.example",
  LOGO_URL: "/images/emblem.svg",
  FAVICON: "/images/emblem.svg",
  PROTECTED_PATHS:
    "/members/* /nb/medlemmer/* /board group:styret /nb/styret group:styret /aquavit age:20 /nb/akevitt age:20",
  PURPOSES: "delivery: address",
  CONSENTS: JSON.stringify([
    {
      id: "newsletter",
      text: {
        nb: "Send meg nyhetsbrevet, fire ganger i året",
        da: "Send mig nyhedsbrevet, fire gange om året",
        sv: "Skicka nyhetsbrevet till mig, fyra gånger om året",
        fi: "Lähettäkää minulle uutiskirje, neljä kertaa vuodessa",
        en: "Send me the newsletter, four times a year",
      },
    },
  ]),
  SUPPORT_STAFF: "group:kontor",
};
